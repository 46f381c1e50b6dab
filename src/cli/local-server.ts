/** The `boatload up` that runs on this machine, found by what it leaves in its data folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultDataFolder } from '../base/data-folder.ts';
import type { Host } from './host.ts';

/** A server that is up. */
export interface LocalServer {
  readonly url: string;
  /** Absent when this user may not read it. */
  readonly apiKey?: string;
}

/** Finds it; undefined when none is up. */
export async function findLocalServer({ env }: Pick<Host, 'env'>): Promise<LocalServer | undefined> {
  const dataDir = env['BOATLOAD_DATA_DIR'] || defaultDataFolder(env);
  const text = await readFile(join(dataDir, 'server.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { pid, url } = JSON.parse(text) as { readonly pid: number; readonly url: string }; // Written by the server itself.
  if (!isAlive(pid)) return undefined;
  const apiKey = (await readFile(join(dataDir, 'api-key'), 'utf8').catch(() => '')).trim();
  return { url, ...(apiKey !== '' && { apiKey }) };
}

/** Signal 0 asks whether a process is there; one of another user is, too. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
}
