/** The `boatload up` that runs on this machine, found by what it leaves in its data folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultDataFolder } from '../base/data-folder.ts';
import { isAlive } from '../storage/is-alive.ts';
import type { Host } from './host.ts';

/** A server that is up. */
export interface LocalServer {
  readonly url: string;
  /** Absent when this user may not read it. */
  readonly apiKey?: string;
}

/** What a server leaves in its folder while it runs; one that was killed leaves it for good. */
export interface Marker {
  readonly pid: number;
  readonly url: string;
}

/** Where it lies. */
export const markerOf = (dataDir: string): string => join(dataDir, 'server.json');

/** Undefined where no server has left one. */
export async function readMarker(dataDir: string): Promise<Marker | undefined> {
  const text = await readFile(markerOf(dataDir), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Marker); // Written by the server itself.
}

/** Finds it; undefined when none is up. */
export async function findLocalServer({ env }: Pick<Host, 'env'>): Promise<LocalServer | undefined> {
  const dataDir = env['BOATLOAD_DATA_DIR'] || defaultDataFolder(env);
  const marker = await readMarker(dataDir);
  if (marker === undefined || !isAlive(marker.pid)) return undefined;
  const apiKey = (await readFile(join(dataDir, 'api-key'), 'utf8').catch(() => '')).trim();
  return { url: marker.url, ...(apiKey !== '' && { apiKey }) };
}
