/** The jobs of which this worker holds shards, each opened once per model and shared by its shards. */
import { Problem } from '../base/problem.ts';
import { addUp } from '../jobs/add-up.ts';
import type { Progress } from '../jobs/job.ts';
import type { ShardLease } from '../jobs/leases.ts';
import type { ServedModel } from '../jobs/served-model.ts';
import type { CommitResult } from './commit-segment.ts';
import { Input } from './input.ts';
import { JobRun } from './job-run.ts';
import type { RowContext } from './worker-context.ts';

/** What a run is of. */
export type RunOf = Pick<ShardLease, 'jobUid' | 'model' | 'accountId'>;

export interface JobRuns {
  /** Undefined when the job's rows of this model can't run at present: no engine can be had for them. */
  open(of: RunOf): Promise<JobRun | undefined>;
  /** The runs that take the job's leases now, one for each of its models. */
  find(jobUid: string): readonly JobRun[];
  /** What is finished of the job and not committed yet; undefined when it has no run. */
  live(jobUid: string): Progress | undefined;
  /** No shard of the job and the model is held any more. */
  forget(of: RunOf): void;
  /** Drops the job's rows in flight. */
  abort(jobUid: string): void;
  /** No further rows of any job. */
  stopAll(): void;
  /** And none of those in flight. */
  abortAll(): void;
  /** Says what went wrong to the log and to whoever listens. */
  trouble(of: Pick<RunOf, 'jobUid' | 'model'>, cause: unknown): void;
}

export interface JobRunsOptions {
  readonly onCommit: (result: CommitResult) => void;
  /** Told that none serves a model, or that its engine can't be opened. */
  readonly onNoEngine: (model: string) => void;
  /** Ends this worker's part in a job, keeping what is finished. */
  readonly drop: (jobUid: string) => Promise<void>;
}

export function makeJobRuns(context: RowContext, { onCommit, onNoEngine, drop }: JobRunsOptions): JobRuns {
  const opening = new Map<string, Promise<JobRun | undefined>>();
  /** Newest last: one that was stopped may still drain while the next takes the leases. */
  const opened = new Map<string, JobRun[]>();
  const newest = (of: RunOf): JobRun | undefined => opened.get(keyOf(of))?.at(-1);
  const allOf = (jobUid: string): readonly JobRun[] => [...opened.values()].flat().filter(({ job }) => job.uid === jobUid);

  const trouble: JobRuns['trouble'] = ({ jobUid, model }, cause) => {
    context.log.error({ cause, jobUid, model }, 'trouble with a job');
    context.onTrouble?.(jobUid, cause, model);
  };

  /** Engines that refuse every row of the job end it, with the rows that are committed; any other trouble is tried again by the next lease. */
  const giveUp = async (run: JobRun, cause: unknown): Promise<void> => {
    const jobUid = run.job.uid;
    if (run.aborted.aborted) return;
    trouble({ jobUid, model: run.model }, cause);
    await drop(jobUid);
    if (!(cause instanceof Problem) || cause.reason !== 'NO_ENGINE_FOR_JOB') return;
    await context.jobs.giveUp(jobUid, { statusCode: cause.code, statusMessage: cause.message });
  };

  const make = async (of: RunOf): Promise<JobRun | undefined> => {
    const { jobUid, accountId, model } = of;
    const job = await context.jobs.open(jobUid);
    if (job === undefined) return undefined;
    const served = await serve(context, { model, onNoEngine });
    const run: JobRun = new JobRun({
      context,
      job,
      accountId,
      model,
      served,
      source: { objects: context.objects, planKey: job.planKey, input: new Input(context.objects, job.files) },
      onCommit,
      onFailure: (cause) => void giveUp(run, cause).catch((failure: unknown) => trouble(of, failure)),
    });
    opened.set(keyOf(of), [...(opened.get(keyOf(of)) ?? []), run]);
    return run;
  };

  return {
    open(of) {
      const key = keyOf(of);
      const known = opening.get(key);
      if (known !== undefined && newest(of)?.stopped.aborted !== true) return known;
      const promise = make(of)
        .catch((cause: unknown) => {
          trouble(of, cause);
          return undefined;
        })
        .then((run) => {
          // The next lease tries again.
          if (run === undefined && opening.get(key) === promise) opening.delete(key);
          return run;
        });
      opening.set(key, promise);
      return promise;
    },
    find: (jobUid) => [...opened.values()].flatMap((runs) => runs.slice(-1)).filter(({ job }) => job.uid === jobUid),
    live(jobUid) {
      const runs = allOf(jobUid);
      return runs.length === 0 ? undefined : addUp(runs.map(({ live }) => live));
    },
    forget(of) {
      opening.delete(keyOf(of));
      opened.delete(keyOf(of));
    },
    abort: (jobUid) => {
      for (const run of allOf(jobUid)) run.abort();
    },
    stopAll: () => {
      for (const run of [...opened.values()].flat()) run.stop();
    },
    abortAll: () => {
      for (const run of [...opened.values()].flat()) run.abort();
    },
    trouble,
  };
}

/** The model's engines; rejects when there are none. */
async function serve(
  context: RowContext,
  { model, onNoEngine }: Pick<JobRunsOptions, 'onNoEngine'> & { readonly model: string },
): Promise<ServedModel> {
  try {
    const served = await context.serve(model);
    if (served === undefined) throw noEngine(model);
    return served;
  } catch (cause) {
    onNoEngine(model);
    throw cause;
  }
}

const keyOf = ({ jobUid, model }: Pick<RunOf, 'jobUid' | 'model'>): string => `${jobUid}/${model}`;

const noEngine = (model: string): Problem =>
  new Problem('UNAVAILABLE', `No engine serves ${model} at present; the job waits.`, { reason: 'NO_ENGINE_FOR_MODEL' });
