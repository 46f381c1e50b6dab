/** `boatload worker --through`: a worker without a database. It runs rows; what they belong to it asks of the API processes. */
import { join } from 'node:path';
import { systemClock } from './base/clock.ts';
import { makeLog } from './base/log.ts';
import { messageOf } from './base/message-of.ts';
import type { Problem } from './base/problem.ts';
import type { UpView } from './cli/doors.ts';
import { SCHEMA_VERSION } from './db/schema-version.ts';
import { makeWorkerToken } from './jobs/worker-token.ts';
import { leaveInTime } from './leave-in-time.ts';
import { takeFolder } from './own-folder.ts';
import { readRowPlaces } from './places.ts';
import { untilAborted } from './serve-api.ts';
import { chooseServerModels } from './server-models.ts';
import { readWorkerLimits } from './settings/read-limits.ts';
import { type ModelShelf, makeModelShelf } from './shelf/model-shelf.ts';
import type { Start } from './start-settings.ts';
import { openObjectStore } from './storage/open-object-store.ts';
import { makeHttpJobs, makeHttpLeases } from './worker/http-leases.ts';
import { RowWorker } from './worker/row-worker.ts';
import { WorkerCalls } from './worker/worker-calls.ts';
import { DEFAULT_WORKER_LIMITS } from './worker/worker-context.ts';

/** Resolves when it is told to stop and has; rejects when the API says that it is too old. */
export async function workThrough(start: Start, view: UpView, stop: AbortSignal): Promise<void> {
  const began = performance.now();
  const { objects, secret } = readRowPlaces(start.settings);
  const outdated = new AbortController();
  const api = new WorkerCalls({
    urls: start.through,
    token: makeWorkerToken(secret),
    tables: SCHEMA_VERSION,
    onOutdated: (problem) => outdated.abort(problem),
  });
  const jobs = makeHttpJobs(api);
  // Says at once when the API is not there, or does not want this worker.
  await jobs.states([]);
  const own = await takeFolder(start.dataDir, 'worker');
  const log = makeLog({ level: 'info', to: process.stdout });
  const limits = { ...DEFAULT_WORKER_LIMITS, ...readWorkerLimits(start.settings) };
  const shelf: ModelShelf = makeModelShelf(await chooseServerModels(start, { log, view }));
  const worker = new RowWorker({
    leases: makeHttpLeases(api),
    jobs,
    objects: await openObjectStore(objects),
    serve: (model) => shelf.serve(model),
    journalDir: join(own.dir, 'journal'),
    limits,
    clock: systemClock,
    log,
    onTrouble: (_, cause) => view.notice(messageOf(cause)),
  });
  const end = AbortSignal.any([stop, outdated.signal]);
  leaveInTime(end, { log, drainMs: limits.drainMs });
  try {
    const { rows } = await worker.start();
    if (rows > 0) view.notice(`${rows} rows that were finished before are kept`);
    const facts = { account: null, apiKey: null, apiKeyIsNew: false, apiKeyFile: null, url: null, addresses: [] } as const;
    view.ready({ ...facts, ms: performance.now() - began });
    await untilAborted(end);
  } finally {
    await worker.stop();
    await shelf.close();
    own.release();
  }
  if (outdated.signal.aborted) throw outdated.signal.reason as Problem; // Aborted with nothing else.
}
