/** Why jobs are where they are: a sentence for people, made from the tables and the timeline. */
import { countJobsAhead } from '../db/queries/count-jobs-ahead.ts';
import { listLatestEvents } from '../db/queries/list-latest-events.ts';
import type { JobEvent } from '../db/schema.ts';
import type { Job, Progress } from '../jobs/job.ts';
import type { JobState } from '../jobs/states.ts';
import type { Context } from './context.ts';

/** How a job stands. */
export interface Standing {
  readonly reason: string;
  /** No engine can answer its rows at present; they go on by themselves once one can. */
  readonly waitingOnCapacity: boolean;
}

interface Facts {
  readonly job: Job;
  readonly progress: Progress;
  /** Jobs of the account that come before it. */
  readonly ahead: number;
  readonly engine: JobEvent | undefined;
  readonly pause: JobEvent | undefined;
}

/** The standing of each job, by uid. */
export async function explainJobs(
  { store: { db } }: Pick<Context, 'store'>,
  jobs: readonly Job[],
  progress: (job: Job) => Progress,
): Promise<ReadonlyMap<string, Standing>> {
  const uidsIn = (...states: readonly JobState[]) => jobs.filter(({ state }) => states.includes(state)).map(({ uid }) => uid);
  const [ahead, engines, pauses] = await Promise.all([
    countJobsAhead(db, uidsIn('VALIDATING', 'PENDING')),
    listLatestEvents(db, uidsIn('VALIDATING', 'PENDING', 'RUNNING'), ['engine-lost', 'engine-back']),
    listLatestEvents(db, uidsIn('PAUSED'), ['paused']),
  ]);
  return new Map(
    jobs.map((job) => {
      const facts = {
        job,
        progress: progress(job),
        ahead: ahead.get(job.uid) ?? 0,
        engine: engines.get(job.uid),
        pause: pauses.get(job.uid),
      };
      const waitingOnCapacity = facts.engine?.kind === 'engine-lost';
      return [job.uid, { reason: waitingOnCapacity ? lost(facts) : REASONS[job.state](facts), waitingOnCapacity }];
    }),
  );
}

const REASONS: Readonly<Record<JobState, (facts: Facts) => string>> = {
  VALIDATING: ({ ahead }) =>
    ahead === 0 ? 'Its input is being checked.' : `Its input waits to be checked: ${jobs(ahead)} ahead of it.`,
  PENDING: ({ ahead }) =>
    `Its input is good; it waits for the first free worker${ahead === 0 ? '' : `: ${jobs(ahead)} ahead of it`}.`,
  RUNNING: ({ job, progress: { ok, failed } }) =>
    `Its rows are being answered: ${ok + failed} of ${job.totalRows ?? 0} are done.`,
  PAUSED: ({ job, pause }) =>
    `${pause === undefined ? 'Paused' : `${pause.message}, ${pause.at.toISOString()}`}; it goes on when it is resumed. Its window ends at ${job.expiresAt.toISOString()} all the same.`,
  CANCELLING: () => 'It was cancelled; its workers hand in what they have finished.',
  WRITING_RESULTS: ({ progress }) =>
    `No row runs any more; the ${rows(progress.ok + progress.failed)} that are done are being written.`,
  COMPLETED: ({ progress: { failed } }) =>
    failed === 0
      ? 'Every row has its answer.'
      : `Every row was tried; ${rows(failed)} failed. Continue the job to try just those again.`,
  FAILED: ended,
  EXPIRED: ended,
  CANCELLED: ended,
  DELETING_CLEANING_UP: () => 'It was deleted; what it left is being removed.',
};

function ended({ job, progress: { ok, failed } }: Facts): string {
  const counts =
    job.totalRows === null ? '' : ` ${ok} of ${job.totalRows} rows have an answer${failed === 0 ? '' : `, ${failed} failed`}.`;
  return `${job.statusMessage}${counts}`;
}

const lost = ({ engine }: Facts): string =>
  `No engine can answer its rows since ${engine?.at.toISOString() ?? 'a while'}: ${engine?.message ?? ''} They wait, and go on by themselves.`;

const jobs = (count: number): string => (count === 1 ? 'one job of the account is' : `${count} jobs of the account are`);
const rows = (count: number): string => (count === 1 ? 'one row' : `${count} rows`);
