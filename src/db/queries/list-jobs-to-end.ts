/** Jobs that the clock, the output limit or a caller has ended and that still have to be closed. */
import { sql } from 'kysely';
import type { Db } from '../store.ts';
import type { JobEnd } from './end-job-early.ts';

export interface JobToEnd extends JobEnd {
  readonly jobUid: string;
  /** Since when it was to end; long ago where that is not known. */
  readonly dueAt: Date;
}

export interface EndRules {
  readonly now: Date;
  /** A job whose result rows reach this many bytes ends early. */
  readonly outputBytes: number;
}

export async function listJobsToEnd(db: Db, { now, outputBytes }: EndRules): Promise<readonly JobToEnd[]> {
  const open = db
    .selectFrom('job')
    .select(['uid', 'state', 'expiresAt', 'updatedAt'])
    .where('state', 'in', ['VALIDATING', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING']);
  const written = sql<number>`(select coalesce(sum(bytes), 0) from part where job_uid = job.uid)`;
  const jobs = await open
    .select(written.as('written'))
    .where((where) =>
      where.or([where('state', '=', 'CANCELLING'), where('expiresAt', '<=', now), where(written, '>=', outputBytes)]),
    )
    .execute();
  return jobs.map((job) => ({ jobUid: job.uid, at: now, ...endOf(job, { now, outputBytes }) }));
}

function endOf(
  { state, expiresAt, updatedAt }: { readonly state: string; readonly expiresAt: Date; readonly updatedAt: Date },
  { now, outputBytes }: EndRules,
): Omit<JobEnd, 'at'> & Pick<JobToEnd, 'dueAt'> {
  if (state === 'CANCELLING')
    return {
      dueAt: updatedAt,
      outcome: 'CANCELLED',
      statusCode: 'CANCELLED',
      statusMessage: 'Cancelled on request; the rows that were finished are kept.',
    };
  if (expiresAt <= now) {
    return {
      dueAt: expiresAt,
      outcome: 'EXPIRED',
      statusCode: 'DEADLINE_EXCEEDED',
      statusMessage: `The job's window ended at ${expiresAt.toISOString()}; the rows that were finished are kept. Continue it to run the rest.`,
    };
  }
  return {
    dueAt: new Date(0),
    outcome: 'EXPIRED',
    statusCode: 'RESOURCE_EXHAUSTED',
    statusMessage: `The results have reached the limit of ${outputBytes} bytes for one job; they are kept. Continue it to run the rest.`,
  };
}
