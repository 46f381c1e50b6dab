/** The machine room behind every door: database, object store, models and one worker, opened in order and closed in reverse. */
import { join } from 'node:path';
import { type Context, DEFAULT_LIMITS, type Limits } from './actions/context.ts';
import { deleteExpiredDatasets } from './actions/delete-expired-datasets.ts';
import { cleanUpDeletedJobs } from './actions/delete-job.ts';
import { dropOldUploads } from './actions/drop-old-uploads.ts';
import { everyHour, everyMinute } from './actions/every-hour.ts';
import { forgetOld } from './actions/forget-old.ts';
import { sweepObjects } from './actions/sweep-objects.ts';
import { warnOfForecasts } from './actions/warn-of-forecasts.ts';
import { systemClock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import { countLeases, type LeaseCounts } from './count-leases.ts';
import { openDatabaseClock } from './db/database-clock.ts';
import { makeEngineBoard } from './db/engine-board.ts';
import { makeModelFiles } from './db/model-files.ts';
import { openStore, type StoreOptions } from './db/open-store.ts';
import type { Store } from './db/store.ts';
import type { Places } from './places.ts';
import { readLimits, readLoading, readWorkerLimits } from './settings/read-limits.ts';
import type { Settings } from './settings/settings.ts';
import type { ModelShelf } from './shelf/model-shelf.ts';
import { openLibrary } from './shelf/open-library.ts';
import { SharedEngines } from './shelf/shared-engines.ts';
import { openObjectStore } from './storage/open-object-store.ts';
import { WebhookSender } from './worker/webhook-sender.ts';
import { Worker } from './worker/worker.ts';
import { DEFAULT_WORKER_LIMITS, type WorkerContext, type WorkerLimits } from './worker/worker-context.ts';

export interface MachineOptions {
  readonly places: Places;
  /** The database of these places where it is being opened already: it is closed by whoever opened it, after the machine. */
  readonly store?: Promise<Store>;
  readonly models: ModelShelf;
  /** Whether the engines that the database names are used, too. */
  readonly sharedEngines?: true;
  /** Whether the models that are files in the store are served: `elsewhere` where other processes run their rows. */
  readonly library?: 'here' | 'elsewhere';
  readonly log: Log;
  /** Whether lines may be bare `{"messages": …}`. */
  readonly bareRows: boolean;
  /** Absent: the environment's. */
  readonly settings?: Settings;
  readonly limits?: Partial<Limits>;
  readonly workerLimits?: Partial<WorkerLimits>;
  readonly onTrouble?: WorkerContext['onTrouble'];
  /** Told that the tables are not where this version looks for them. */
  readonly onTablesGone?: StoreOptions['onTablesGone'];
}

export interface Machine {
  /** For actions. */
  readonly context: Context;
  readonly worker: Worker;
  /** What the worker has done. */
  readonly counts: Readonly<LeaseCounts>;
  readonly models: ModelShelf;
  readonly engines: SharedEngines;
  readonly secret: Places['secret'];
  close(): Promise<void>;
}

/** Opens everything. The worker is made, not started: who calls decides when. */
export async function openMachine({
  places,
  models,
  log,
  bareRows,
  library: runs,
  ...options
}: MachineOptions): Promise<Machine> {
  const { settings = process.env } = options;
  const limits = { ...DEFAULT_LIMITS, ...readLimits(settings), ...options.limits };
  const workerLimits = { ...DEFAULT_WORKER_LIMITS, ...readWorkerLimits(settings), ...options.workerLimits };
  const { dataDir, secret } = places;
  const store = await (options.store ??
    openStore({ url: places.database, log, tables: 'expect', onTablesGone: options.onTablesGone }));
  const closeStore = async (): Promise<void> => {
    if (!options.store) await store.close();
  };
  try {
    // One machine has one clock; the processes of a fleet go by their database's.
    const shared = store.embedded ? undefined : await openDatabaseClock(store.db);
    const clock = shared ?? systemClock;
    const objects = await openObjectStore(places.objects);
    const engines = new SharedEngines({ board: makeEngineBoard(store, clock), shelf: models, secret, log });
    if (options.sharedEngines) await engines.start();
    const files = makeModelFiles(store);
    const library = await openLibrary({ files, objects, shelf: models, log, dataDir, runs, ...readLoading(settings) });
    const refreshModels = async (): Promise<void> => {
      await library.refresh();
      if (options.sharedEngines) await engines.refresh();
    };
    const context: Context = {
      ...{ store, objects, clock, limits },
      models: { ...models.registry, refresh: refreshModels },
      ...(library.tryModel && { tryModel: library.tryModel }),
    };
    const webhooks = new WebhookSender({ store, clock, log, secret, allowPrivate: limits.privateWebhooks });
    const { leases, counts } = countLeases(store.leases);
    const worker = new Worker({
      store: { ...store, leases },
      objects,
      findModel: (name, accountId) => models.find(name, accountId),
      refreshModels,
      serve: async (model) => (await models.serve(model)) ?? refreshModels().then(() => models.serve(model)),
      journalDir: join(dataDir, 'journal'),
      scratchDir: join(dataDir, 'scratch'),
      bareRows,
      limits: workerLimits,
      clock,
      log,
      chores: [...choresOf(context, workerLimits), () => webhooks.look()],
      ...(options.onTrouble === undefined ? {} : { onTrouble: options.onTrouble }),
    });
    return {
      context,
      worker,
      counts,
      models,
      engines,
      secret,
      async close() {
        await worker.stop();
        await webhooks.stop();
        await engines.stop();
        await library.stop();
        await models.close();
        shared?.close();
        await closeStore();
      },
    };
  } catch (cause) {
    await closeStore();
    throw cause;
  }
}

/** What is done to the data by the clock, beside jobs. */
const choresOf = (context: Context, limits: WorkerLimits): NonNullable<WorkerContext['chores']> => [
  () => cleanUpDeletedJobs(context),
  () => deleteExpiredDatasets(context),
  () => dropOldUploads(context),
  everyMinute(() => warnOfForecasts(context, limits)),
  everyHour(() => sweepObjects(context)),
  everyHour(() => forgetOld(context)),
];
