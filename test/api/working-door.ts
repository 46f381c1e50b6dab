/** The door with a worker behind it and a real HTTP engine: jobs run to their end. Time is the test's. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Limits } from '../../src/actions/context.ts';
import { cleanUpDeletedJobs } from '../../src/actions/delete-job.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { makePool } from '../../src/engines/pool.ts';
import { openUpstream } from '../../src/engines/upstream.ts';
import { Worker } from '../../src/worker/worker.ts';
import { DEFAULT_WORKER_LIMITS, type WorkerLimits } from '../../src/worker/worker-context.ts';
import { type HttpEngineOptions, startHttpEngine } from '../support/http-engine.ts';
import { parseLines } from '../support/rows.ts';
import { formOf, openDoor } from './door.ts';

export interface WorkingDoorOptions {
  readonly engine?: HttpEngineOptions;
  readonly limits?: Partial<Limits>;
  readonly workerLimits?: Partial<WorkerLimits>;
  /** How many requests the engine gets at once. */
  readonly concurrency?: number;
  /** Answers in place of the HTTP engine; the door closes it. */
  readonly own?: Engine;
}

/** A job as these tests look at it. */
export interface JobBody {
  readonly name: string;
  readonly state: string;
  readonly status: { readonly code: string; readonly message: string };
  readonly stateReason: string;
  readonly waitingOnCapacity: boolean;
  readonly jobProgress: Readonly<Record<string, number>> | null;
  readonly [field: string]: unknown;
}

const JOBS = '/v1/accounts/acme/batchInferenceJobs';
const DATASETS = '/v1/accounts/acme/datasets';

export async function openWorkingDoor({ engine: options, limits, workerLimits, concurrency = 4, own }: WorkingDoorOptions = {}) {
  const door = await openDoor(limits);
  const engine = await startHttpEngine(options);
  const upstream = openUpstream({ baseUrl: engine.url });
  const pool = makePool([{ engine: own ?? upstream, model: 'tickets' }], {
    limit: concurrency,
    trialMs: { first: 50, most: 100 },
  });
  const [journalDir, scratchDir] = [join(door.dir, 'journal'), join(door.dir, 'scratch')];
  await mkdir(scratchDir, { recursive: true });
  const worker = new Worker({
    store: door.context.store,
    objects: door.context.objects,
    findModel: (name, accountId) => door.context.models.resolve(name, accountId),
    serve: async () => ({ pool }),
    journalDir,
    scratchDir,
    bareRows: false,
    limits: { ...DEFAULT_WORKER_LIMITS, drainMs: 2_000, ...workerLimits },
    clock: door.clock,
    log: door.context.log,
    chores: [() => cleanUpDeletedJobs(door.context)],
  });
  await worker.start();

  const createJob = (id: string, body: object) => door.askJson(`${JOBS}?batchInferenceJobId=${id}`, { body });
  const readJob = async (id: string) => (await door.askJson(`${JOBS}/${id}`)).body as unknown as JobBody;
  const tell = (id: string, verb: string) => door.askJson(`${JOBS}/${id}:${verb}`, { method: 'POST' });
  /** Asks for the job until it is as it should be. */
  const untilJob = async (id: string, holds: (job: JobBody) => boolean): Promise<JobBody> =>
    expect
      .poll(() => readJob(id), { timeout: 60_000, interval: 50 })
      .toSatisfy(holds)
      .then(() => readJob(id));
  const untilState = (id: string, state: string) => untilJob(id, (job) => job.state === `JOB_STATE_${state}`);
  /** Puts files to signed links and closes the dataset; READY. */
  const putDataset = async (id: string, texts: Readonly<Record<string, string>>) => {
    await door.askJson(DATASETS, { body: { datasetId: id } });
    const sizes = Object.entries(texts).map(([name, text]) => [name, String(Buffer.byteLength(text))]);
    const { body } = await door.askJson(`${DATASETS}/${id}:getUploadEndpoint`, {
      body: { filenameToSize: Object.fromEntries(sizes) },
    });
    for (const [name, text] of Object.entries(texts)) {
      const url = new URL(body.filenameToSignedUrls[name] ?? '');
      await door.ask(url.pathname + url.search, { method: 'PUT', key: null, body: text });
    }
    expect(await door.askJson(`${DATASETS}/${id}:validateUpload`, { body: {} })).toEqual({ status: 200, body: {} });
  };
  const uploadDataset = async (id: string, text: string) => {
    await door.askJson(DATASETS, { body: { datasetId: id } });
    expect((await door.askJson(`${DATASETS}/${id}:upload`, { body: formOf(text) })).status).toBe(200);
  };
  /** The texts behind the links of a dataset, by key. */
  const download = async (id: string, query = ''): Promise<Readonly<Record<string, string>>> => {
    const { body } = await door.askJson(`${DATASETS}/${id}:getDownloadEndpoint${query}`);
    const texts = Object.entries(body.filenameToSignedUrls ?? {}).map(async ([key, link]) => {
      const url = new URL(link);
      return [key, await (await door.ask(url.pathname + url.search, { key: null })).text()];
    });
    return Object.fromEntries(await Promise.all(texts));
  };
  const readOutput = async (id: string) => {
    const texts = await download(id);
    return {
      results: parseLines(texts[`dataset/${id}/BIJOutputSet.jsonl`] ?? ''),
      errors: parseLines(texts[`dataset/${id}/error-data`] ?? ''),
    };
  };
  const close = async () => {
    await worker.stop();
    pool.close();
    await upstream.close();
    await own?.close();
    await engine.close();
    await door.close();
  };
  return {
    ...door,
    engine,
    worker,
    createJob,
    readJob,
    tell,
    untilJob,
    untilState,
    putDataset,
    uploadDataset,
    download,
    readOutput,
    close,
  };
}
