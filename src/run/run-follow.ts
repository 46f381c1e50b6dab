/** Watches a run's job to its end and tells the view. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Caller, Context } from '../actions/context.ts';
import { getJob } from '../actions/get-job.ts';
import { Problem } from '../base/problem.ts';
import type { RunProgress, RunView } from '../cli/doors.ts';
import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import type { PoolStatus } from '../engines/pool.ts';
import { addUp } from '../jobs/add-up.ts';
import type { Job, Progress } from '../jobs/job.ts';
import { isFinal } from '../jobs/states.ts';
import type { ModelShelf } from '../shelf/model-shelf.ts';
import type { Worker } from '../worker/worker.ts';
import { readChain, sumChain } from './run-chain.ts';

const EVERY_MS = 100;
/** While rows run, the database has better things to do than to be asked how many are done. */
const EVERY_MS_OF_ROWS = 1_000;

/** The parts of the machine room that tell how a job stands. */
export interface Watched {
  readonly context: Context;
  readonly worker: Worker;
  readonly models: ModelShelf;
}

export interface FollowOptions {
  readonly caller: Caller;
  readonly jobId: string;
  readonly view: RunView;
  /** Aborted: drain, save, and end as stopped. */
  readonly stop: AbortSignal;
}

/** How the run stands when nobody works on it any more. */
export interface RunEnd {
  readonly job: Job;
  readonly stopped: boolean;
  readonly elapsedMs: number;
}

export async function followJob(watched: Watched, options: FollowOptions): Promise<RunEnd> {
  const { context, worker } = watched;
  const { caller, jobId, stop } = options;
  const began = performance.now();
  const elapsedMs = (): number => performance.now() - began;
  const before = await sumChain(context, await readChain(context, caller));
  const engines = new EngineNews(options.view);
  let told = false;
  const look = async (): Promise<Job> => {
    const job = await getJob(context, caller, jobId);
    engines.tell(watched.models.status());
    if (job.inputRows === null) return job;
    if (!told) await tellInput(watched, options, { job, before });
    told = true;
    options.view.progress(await measure(watched, { caller, job, before, elapsedMs: elapsedMs() }));
    return job;
  };
  let job = await look();
  while (!isFinal(job.state) && !stop.aborted) {
    await nextLook(worker, { jobUid: job.uid, stop });
    job = await look();
  }
  if (stop.aborted) {
    await worker.stop();
    job = await look();
  }
  if (job.reportKey !== null) throw await badLines(watched, job);
  if (job.state === 'FAILED' && job.planKey === null) throw refusal(job);
  return { job, stopped: stop.aborted, elapsedMs: elapsedMs() };
}

/** Waits a moment, or longer while this process runs the job's rows. */
async function nextLook(
  worker: Worker,
  { jobUid, stop }: { readonly jobUid: string; readonly stop: AbortSignal },
): Promise<void> {
  const untilMs = performance.now() + EVERY_MS_OF_ROWS;
  do await delay(EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
  while (!stop.aborted && worker.live(jobUid) !== undefined && performance.now() < untilMs);
}

/** Tells when an engine falls silent, and when it is back. */
class EngineNews {
  readonly #view: RunView;
  readonly #silent = new Set<string>();

  constructor(view: RunView) {
    this.#view = view;
  }

  tell(engines: readonly PoolStatus[]): void {
    for (const { engine, state, why } of engines) {
      const isSilent = state === 'broken';
      if (isSilent === this.#silent.has(engine)) continue;
      if (isSilent) this.#silent.add(engine);
      else this.#silent.delete(engine);
      this.#view.notice(isSilent ? `${why} The rows wait, and are tried again.` : `${engine} answers again`);
    }
  }
}

interface Measured {
  readonly caller: Caller;
  readonly job: Job;
  /** What was there before this run of the command began. */
  readonly before: Progress;
  readonly elapsedMs: number;
}

async function measure({ context, worker }: Watched, { caller, job, before, elapsedMs }: Measured): Promise<RunProgress> {
  const chain = await readChain(context, caller);
  const committed = await sumChain(context, chain);
  const live = worker.live(job.uid);
  const done = addUp(live === undefined ? [committed] : [committed, live]);
  return {
    total: chain[0]?.inputRows ?? 0,
    ok: done.ok,
    failed: done.failed,
    inputTokens: done.inputTokens,
    outputTokens: done.outputTokens,
    cachedTokens: done.cachedTokens,
    elapsedMs,
    doneBefore: before.ok,
  };
}

async function tellInput(
  { context }: Watched,
  { caller, view }: FollowOptions,
  { job, before }: { readonly job: Job; readonly before: Progress },
): Promise<void> {
  const [file] = await listDatasetFiles(context.store.db, caller.accountId, job.inputDatasetId);
  const bytes = file?.bytes ?? 0;
  const done = before.ok;
  view.validated({
    rows: job.inputRows ?? 0,
    bytes,
    format: job.rowFormat ?? 'fireworks',
    estimatedTokens: (job.planned ?? []).reduce((sum, { inputTokens }) => sum + inputTokens, 0),
    ...(done > 0 ? { resumed: { done } } : {}),
  });
}

async function badLines({ context }: Watched, { reportKey, statusMessage }: Job): Promise<Problem> {
  const details = JSON.parse((await context.objects.read(reportKey ?? '')).toString()) as Record<string, unknown>;
  return new Problem('INVALID_ARGUMENT', statusMessage, { reason: 'INVALID_DATASET', details });
}

const refusal = ({ statusMessage }: Job): Problem =>
  new Problem('INVALID_ARGUMENT', statusMessage, { reason: 'DATASET_HAS_NO_ROWS' });
