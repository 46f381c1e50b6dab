/** The jobs of which this worker holds shards, each opened once and shared by its shards. */
import { Problem } from '../base/problem.ts';
import { endJobEarly } from '../db/queries/end-job-early.ts';
import { findJobByUid } from '../db/queries/find-job-by-uid.ts';
import type { CommitResult } from './commit-segment.ts';
import { openInput } from './input.ts';
import { JobRun } from './job-run.ts';
import type { WorkerContext } from './worker-context.ts';

export interface JobRuns {
  /** Undefined when the job can't run at present: no engine can be had for it. */
  open(jobUid: string): Promise<JobRun | undefined>;
  /** The run that takes the job's leases now. */
  find(jobUid: string): JobRun | undefined;
  /** No shard of the job is held any more. */
  forget(jobUid: string): void;
  /** Drops the job's rows in flight. */
  abort(jobUid: string): void;
  /** No further rows of any job. */
  stopAll(): void;
  /** And none of those in flight. */
  abortAll(): void;
  /** Says what went wrong to the log and to whoever listens. */
  trouble(jobUid: string, cause: unknown): void;
}

export interface JobRunsOptions {
  readonly onCommit: (result: CommitResult) => void;
  /** Ends this worker's part in a job, keeping what is finished. */
  readonly drop: (jobUid: string) => Promise<void>;
}

export function makeJobRuns(context: WorkerContext, { onCommit, drop }: JobRunsOptions): JobRuns {
  const opening = new Map<string, Promise<JobRun | undefined>>();
  /** Newest last: one that was stopped may still drain while the next takes the job's leases. */
  const opened = new Map<string, JobRun[]>();
  const newest = (jobUid: string): JobRun | undefined => opened.get(jobUid)?.at(-1);

  const trouble = (jobUid: string, cause: unknown): void => {
    context.log.error({ cause, jobUid }, 'trouble with a job');
    context.onTrouble?.(jobUid, cause);
  };

  /** Engines that refuse every row of the job end it, with the rows that are committed; any other trouble is tried again by the next lease. */
  const giveUp = async (job: JobRun, cause: unknown): Promise<void> => {
    const jobUid = job.job.uid;
    if (job.aborted.aborted) return;
    trouble(jobUid, cause);
    await drop(jobUid);
    if (!(cause instanceof Problem) || cause.reason !== 'NO_ENGINE_FOR_JOB') return;
    await endJobEarly(context.store, jobUid, { outcome: 'FAILED', statusCode: cause.code, statusMessage: cause.message });
  };

  const make = async (jobUid: string): Promise<JobRun | undefined> => {
    const job = await findJobByUid(context.store.db, jobUid);
    if (job === undefined || job.planKey === null) return undefined;
    const served = await context.serve(job.model);
    if (served === undefined) {
      throw new Problem('UNAVAILABLE', `No engine serves ${job.model} at present; the job waits.`, {
        reason: 'NO_ENGINE_FOR_MODEL',
      });
    }
    const input = await openInput(context, job);
    const run: JobRun = new JobRun({
      context,
      job,
      served,
      source: { objects: context.objects, planKey: job.planKey, input },
      onCommit,
      onFailure: (cause) => void giveUp(run, cause).catch((failure: unknown) => trouble(jobUid, failure)),
    });
    opened.set(jobUid, [...(opened.get(jobUid) ?? []), run]);
    return run;
  };

  const forget = (jobUid: string): void => {
    opening.delete(jobUid);
    opened.delete(jobUid);
  };

  return {
    open(jobUid) {
      const known = opening.get(jobUid);
      if (known !== undefined && newest(jobUid)?.stopped.aborted !== true) return known;
      const promise = make(jobUid)
        .catch((cause: unknown) => {
          trouble(jobUid, cause);
          return undefined;
        })
        .then((run) => {
          // The next lease tries again.
          if (run === undefined && opening.get(jobUid) === promise) opening.delete(jobUid);
          return run;
        });
      opening.set(jobUid, promise);
      return promise;
    },
    find: newest,
    forget,
    abort: (jobUid) => {
      for (const job of opened.get(jobUid) ?? []) job.abort();
    },
    stopAll: () => {
      for (const job of [...opened.values()].flat()) job.stop();
    },
    abortAll: () => {
      for (const job of [...opened.values()].flat()) job.abort();
    },
    trouble,
  };
}
