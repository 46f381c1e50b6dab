/** What a server is started with: its flags, and from the settings what the flags leave open. */
import { resolve } from 'node:path';
import { defaultDataFolder } from './base/data-folder.ts';
import type { UpRequest } from './cli/doors.ts';
import { findSettings, readCount, readList, readText, type Settings } from './settings/settings.ts';

/** Nothing is left open but the ports. */
export interface Start extends UpRequest {
  readonly host: string;
  readonly dataDir: string;
  readonly settings: Settings;
  /** API processes through which a worker has its leases; none: it has a database. */
  readonly through: readonly string[];
}

const LOOPBACK = '127.0.0.1';

/** Finds the settings, and fills the request from them. */
export async function findStart(request: UpRequest): Promise<Start> {
  const { settings } = await findSettings(process.env, request.config);
  const port = request.port ?? readCount(settings, 'BOATLOAD_LISTEN_PORT');
  const healthPort = request.healthPort ?? readCount(settings, 'BOATLOAD_HEALTH_PORT');
  return {
    settings,
    host: request.host ?? readText(settings, 'BOATLOAD_LISTEN_HOST') ?? LOOPBACK,
    dataDir: resolve(request.dataDir ?? readText(settings, 'BOATLOAD_DATA_DIR') ?? defaultDataFolder(settings)),
    models: request.models.length > 0 ? request.models : readList(settings, 'BOATLOAD_MODELS'),
    engines: request.engines.length > 0 ? request.engines : readList(settings, 'BOATLOAD_ENGINES'),
    through: (request.through?.length ? request.through : readList(settings, 'BOATLOAD_API_URL')).map(withoutSlash),
    ...(port === undefined ? {} : { port }),
    ...(healthPort === undefined ? {} : { healthPort }),
  };
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
