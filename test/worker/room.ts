/** A worker in a machine room of its own: real database, real disk, and an engine behind HTTP. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type Caller, type Context, DEFAULT_LIMITS } from '../../src/actions/context.ts';
import { createDataset } from '../../src/actions/create-dataset.ts';
import { createJob, type JobWish } from '../../src/actions/create-job.ts';
import { makeModelRegistry } from '../../src/actions/model-registry.ts';
import { receiveUpload } from '../../src/actions/receive-upload.ts';
import { makeId } from '../../src/base/ids.ts';
import { openStore } from '../../src/db/open-store.ts';
import { ensureAccount } from '../../src/db/queries/ensure-account.ts';
import { findJobByUid } from '../../src/db/queries/find-job-by-uid.ts';
import { listDatasetFiles } from '../../src/db/queries/list-dataset-files.ts';
import { sumProgress } from '../../src/db/queries/sum-progress.ts';
import type { Store } from '../../src/db/store.ts';
import { makePool } from '../../src/engines/pool.ts';
import { openUpstream, type UpstreamOptions } from '../../src/engines/upstream.ts';
import type { Job, Progress } from '../../src/jobs/job.ts';
import type { ServedModel } from '../../src/jobs/served-model.ts';
import { isFinal } from '../../src/jobs/states.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { Worker } from '../../src/worker/worker.ts';
import { DEFAULT_WORKER_LIMITS, type WorkerLimits } from '../../src/worker/worker-context.ts';
import { type HttpEngine, type HttpEngineOptions, startHttpEngine } from '../support/http-engine.ts';
import { type OutputLine, parseLines } from '../support/rows.ts';

export const MODEL = 'accounts/boatload/models/test';
/** Another one, behind the same engine, which calls it `other-model`. */
export const OTHER_MODEL = 'accounts/boatload/models/other';

/** What the tests of a file share. */
export interface House {
  readonly dir: string;
  readonly store: Store;
  close(): Promise<void>;
}

export async function openHouse(): Promise<House> {
  const dir = await mkdtemp(join(tmpdir(), 'boatload-worker-'));
  const store = await openStore({ url: `file:${join(dir, 'database')}` });
  return {
    dir,
    store,
    async close() {
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
}

export interface RoomOptions {
  readonly engine?: HttpEngineOptions;
  /** Another engine's URL in place of the room's own. */
  readonly engineUrl?: string;
  /** How long the engine may take. */
  readonly clocks?: UpstreamOptions['clocks'];
  /** Requests in flight; default 8. */
  readonly limit?: number;
  /** A longer answer is given up. */
  readonly maxBodyBytes?: number;
  readonly limits?: Partial<WorkerLimits>;
  /** Asked whenever a job wants a model's engine; throws while it can't be opened. */
  readonly onServe?: (model: string) => void;
  /** The request paths that the other model answers; default unknown. */
  readonly otherPaths?: readonly string[];
  /** Between the object store and those who use it. */
  readonly objects?: (objects: ObjectStore) => ObjectStore;
}

export interface Room {
  readonly context: Context;
  readonly caller: Caller;
  readonly engine: HttpEngine;
  /** What went wrong and was told. */
  readonly troubles: unknown[];
  readonly clock: { nowMs: number };
  /** One more worker on the same disk; the test stops it if it doesn't itself. */
  startWorker(): Promise<Worker>;
  createJob(rows: string, wish?: Partial<JobWish>): Promise<Job>;
  /** Reads the job until this holds. */
  until(job: Job, holds: (job: Job, progress: Progress) => boolean): Promise<Job>;
  untilEnd(job: Job): Promise<Job>;
  /** Lists the objects until this holds. */
  untilObjects(prefix: string, holds: (keys: readonly string[]) => boolean): Promise<void>;
  progress(job: Job): Promise<Progress>;
  /** The files of its output dataset. */
  outputText(job: Job): Promise<{ readonly answers: string; readonly failures: string }>;
  /** Their lines. */
  output(job: Job): Promise<{ readonly answers: readonly OutputLine[]; readonly failures: readonly OutputLine[] }>;
}

/** A room with small limits; to be called inside a test. */
export async function openRoom({ dir, store }: House, options: RoomOptions = {}): Promise<Room> {
  const accountId = makeId(10);
  const caller = { accountId, name: accountId };
  await ensureAccount(store.db, { id: accountId });
  const disk = await openDiskStore(join(dir, accountId, 'objects'));
  const objects = options.objects?.(disk) ?? disk;
  const engine = await startHttpEngine({ latency: [2, 10], ...options.engine });
  const { maxBodyBytes, clocks, engineUrl = engine.url } = options;
  const upstream = openUpstream({
    baseUrl: engineUrl,
    ...(maxBodyBytes !== undefined && { maxBodyBytes }),
    ...(clocks !== undefined && { clocks }),
  });
  const open = (model: string) =>
    makePool([{ engine: upstream, model, limit: options.limit ?? 8 }], { trialMs: { first: 50, most: 200 } });
  const [pool, otherPool] = [open('test-model'), open('other-model')];
  const served = new Map<string, ServedModel>([
    [MODEL, { pool }],
    [OTHER_MODEL, { pool: otherPool, ...(options.otherPaths && { paths: options.otherPaths }) }],
  ]);
  onTestFinished(async () => {
    pool.close();
    otherPool.close();
    await upstream.close();
    await engine.close();
  });
  const clock = { nowMs: Date.now() };
  const troubles: unknown[] = [];
  const context: Context = {
    store,
    objects,
    clock: { now: () => new Date(clock.nowMs) },
    models: makeModelRegistry(() =>
      [MODEL, OTHER_MODEL].map((name) => ({ name, served: true, precision: 'PRECISION_UNSPECIFIED' })),
    ),
    limits: DEFAULT_LIMITS,
  };
  const find = async ({ uid }: Job): Promise<Job> => {
    const job = await findJobByUid(store.db, uid);
    if (job === undefined) throw new Error('The job is gone.');
    return job;
  };
  const room: Room = {
    context,
    caller,
    engine,
    troubles,
    clock,
    async startWorker() {
      const worker = new Worker({
        store,
        objects,
        findModel: (name, account) => context.models.resolve(name, account),
        // Jobs of other tests wait for their own worker.
        serve: async (model) => {
          options.onServe?.(model);
          return served.get(model);
        },
        journalDir: join(dir, accountId, 'journal'),
        scratchDir: join(dir, accountId, 'scratch'),
        bareRows: false,
        limits: { ...DEFAULT_WORKER_LIMITS, shardRows: 50, ...options.limits },
        clock: context.clock,
        log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
        onTrouble: (_, cause) => troubles.push(cause),
      });
      await worker.start();
      onTestFinished(() => worker.stop());
      return worker;
    },
    async createJob(rows, wish = { model: MODEL }) {
      const { id } = await createDataset(context, caller, { id: makeId(8) });
      await receiveUpload(context, caller, { datasetId: id, filename: 'in.jsonl', body: bytesOf(rows) });
      return createJob(context, caller, { inputDataset: id, settings: {}, ...wish });
    },
    async until(job, holds) {
      for (;;) {
        const found = await find(job);
        if (holds(found, await room.progress(job))) return found;
        await delay(10);
      }
    },
    untilEnd: (job) => room.until(job, ({ state }) => isFinal(state)),
    async untilObjects(prefix, holds) {
      const keys = async () => (await Array.fromAsync(objects.list(prefix))).map(({ key }) => key);
      while (!holds(await keys())) await delay(10);
    },
    progress: ({ uid }) => sumProgress(store.db, uid),
    async outputText({ outputDatasetId }) {
      const files = await listDatasetFiles(store.db, accountId, outputDatasetId);
      const read = async (name: string): Promise<string> => {
        const file = files.find((candidate) => candidate.name === name);
        return file === undefined ? '' : (await objects.read(file.objectKey)).toString();
      };
      return { answers: await read('BIJOutputSet.jsonl'), failures: await read('error-data') };
    },
    async output(job) {
      const { answers, failures } = await room.outputText(job);
      return { answers: parseLines(answers), failures: parseLines(failures) };
    },
  };
  return room;
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
