import { type RawBuilder, sql } from 'kysely';
import type { Job } from '../../jobs/job.ts';
import { type JobState, type Outcome, statesBefore } from '../../jobs/states.ts';
import { storableJson, storableText } from '../storable-text.ts';
import type { Db } from '../store.ts';
import { JOB_COLUMNS } from './job-columns.ts';

/** What may change together with a state. */
export interface JobChanges
  extends Partial<
    Pick<
      Job,
      | 'model'
      | 'precision'
      | 'statusCode'
      | 'statusMessage'
      | 'totalRows'
      | 'inputRows'
      | 'rowFormat'
      | 'planned'
      | 'planKey'
      | 'reportKey'
    >
  > {
  readonly outcome?: Outcome;
  readonly shardCount?: number;
  /** When it happens; the database's clock says when it is left out. */
  readonly updatedAt?: Date;
}

/** The field that keeps the moment of first entering a state. */
const STAMPS: Partial<Record<JobState, 'validatedAt' | 'startedAt' | 'endedAt'>> = {
  PENDING: 'validatedAt',
  RUNNING: 'startedAt',
  COMPLETED: 'endedAt',
  FAILED: 'endedAt',
  EXPIRED: 'endedAt',
  CANCELLED: 'endedAt',
};

/** Moves a job if the move is legal from where it is; undefined when it is not, as somebody else moved it first. The one way to change a state. */
export async function moveJob(db: Db, uid: string, to: JobState, changes: JobChanges = {}): Promise<Job | undefined> {
  const stamp = STAMPS[to];
  const at: Date | RawBuilder<Date> = changes.updatedAt ?? sql<Date>`now()`;
  return db
    .updateTable('job')
    .set({
      ...changes,
      ...storable(changes),
      state: to,
      updatedAt: at,
      ...(stamp !== undefined && { [stamp]: sql`coalesce(${sql.ref(stamp)}, ${at})` }),
    })
    .where('uid', '=', uid)
    .where(sql<boolean>`state = any (${statesBefore(to)}::text[])`)
    .returning(JOB_COLUMNS)
    .executeTakeFirst();
}

const storable = ({ statusMessage, planned }: JobChanges) => ({
  ...(statusMessage !== undefined && { statusMessage: storableText(statusMessage) }),
  // An array would travel as one of PostgreSQL's own; this is JSON.
  ...(planned && { planned: storableJson(planned) as never }),
});
