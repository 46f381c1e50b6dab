/** `boatload worker --through`: a worker without a database. It runs rows; what they belong to, the engines that all share and which models are files, it asks of the API processes. */
import { join } from 'node:path';
import { systemClock } from './base/clock.ts';
import { makeLog } from './base/log.ts';
import { messageOf } from './base/message-of.ts';
import type { Problem } from './base/problem.ts';
import type { UpView } from './cli/doors.ts';
import { countLeases } from './count-leases.ts';
import { SCHEMA_VERSION } from './db/schema-version.ts';
import { openHealthPort } from './health-port.ts';
import { makeWorkerToken } from './jobs/worker-token.ts';
import { leaveInTime } from './leave-in-time.ts';
import { takeFolder } from './own-folder.ts';
import { readRowPlaces } from './places.ts';
import { untilAborted } from './serve-api.ts';
import { chooseServerModels } from './server-models.ts';
import { readLoading, readWorkerLimits } from './settings/read-limits.ts';
import { FoundLimits } from './shelf/found-limits.ts';
import { ModelCache } from './shelf/model-cache.ts';
import { ModelLibrary } from './shelf/model-library.ts';
import { type ModelShelf, makeModelShelf } from './shelf/model-shelf.ts';
import { SharedEngines } from './shelf/shared-engines.ts';
import type { Start } from './start-settings.ts';
import { openObjectStore } from './storage/open-object-store.ts';
import { makeHttpEngines } from './worker/http-engines.ts';
import { makeHttpJobs, makeHttpLeases } from './worker/http-leases.ts';
import { makeHttpModelFiles } from './worker/http-model-files.ts';
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
  const found = await FoundLimits.open(own.dir);
  const shelf: ModelShelf = makeModelShelf(await chooseServerModels(start, { log, view }), { limits: found });
  // Keys come as they are kept: only who has the fleet's secret can open them.
  const engines = new SharedEngines({ board: makeHttpEngines(api), shelf, secret, log });
  const store = await openObjectStore(objects);
  const library = new ModelLibrary({
    files: makeHttpModelFiles(api),
    ...{ shelf, log, ...readLoading(start.settings) },
    cache: new ModelCache(store, join(own.dir, 'models')),
  });
  const refreshModels = async (): Promise<void> => void (await Promise.all([library.refresh(), engines.refresh()]));
  const { leases, counts } = countLeases(makeHttpLeases(api));
  const worker = new RowWorker({
    leases,
    jobs,
    objects: store,
    serve: async (model) => (await shelf.serve(model)) ?? refreshModels().then(() => shelf.serve(model)),
    journalDir: join(own.dir, 'journal'),
    limits,
    clock: systemClock,
    log,
    onTrouble: (_, cause) => view.notice(messageOf(cause)),
  });
  const end = AbortSignal.any([stop, outdated.signal]);
  leaveInTime(end, { log, drainMs: limits.drainMs });
  const ground = { name: 'api', ask: () => jobs.states([]) } as const;
  const watched = { ground, objects: store, models: shelf, counts, live: (jobUid: string) => worker.live(jobUid) };
  try {
    await engines.start();
    await library.start();
    const closeHealth = await openHealthPort(watched, { host: start.host, port: start.healthPort, log });
    const { rows } = await worker.start();
    if (rows > 0) view.notice(`${rows} rows that were finished before are kept`);
    const facts = { account: null, apiKey: null, apiKeyIsNew: false, apiKeyFile: null, url: null, addresses: [] } as const;
    view.ready({ ...facts, ms: performance.now() - began });
    await untilAborted(end);
    // Who looks shall see it until it has given back what it holds.
    await worker.stop();
    await closeHealth();
  } finally {
    await worker.stop();
    await engines.stop();
    await library.stop();
    await shelf.close();
    own.release();
  }
  if (outdated.signal.aborted) throw outdated.signal.reason as Problem; // Aborted with nothing else.
}
