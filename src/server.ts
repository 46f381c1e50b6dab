/**
 * `boatload up`: the API and a worker in one process, on the embedded database and local files. A killed server should be back soon: its database, which waits
 * for the disk and for its own program to be compiled, is opened while the rest of ours is still being loaded.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeLog } from './base/log.ts';
import type { UpRequest, UpView } from './cli/doors.ts';
import { openStore } from './db/open-store.ts';
import { embeddedPlaces } from './places.ts';
import { findStart } from './start-settings.ts';
import { readVersion } from './versions.ts';

export async function up(request: UpRequest, view: UpView, stop: AbortSignal): Promise<void> {
  const began = performance.now();
  view.opened({ version: readVersion() });
  const start = await findStart(request);
  const { dataDir } = start;
  const log = makeLog({ level: 'info', to: join(dataDir, 'boatload.log') });
  const isNew = !existsSync(join(dataDir, 'database'));
  if (isNew) view.creating(dataDir);
  const places = await embeddedPlaces(dataDir);
  const store = openStore({ url: places.database, log });
  // Whoever waits for it is told why it can't be opened.
  const opened = store.catch(() => undefined);
  try {
    const { runServer } = await import('./run-server.ts');
    await runServer({ start, places, store, isNew, view, stop, began, log });
  } finally {
    // An open database would keep the process alive, whatever has failed.
    await (await opened)?.close();
  }
}
