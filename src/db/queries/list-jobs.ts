import type { Job } from '../../jobs/job.ts';
import type { Db } from '../store.ts';
import { JOB_COLUMNS } from './job-columns.ts';
import { inPage, ordered, type Page } from './page.ts';
import type { TakenPage } from './take-page.ts';

/** What a list of jobs can be ordered and narrowed by. */
export type JobColumn =
  | 'id'
  | 'displayName'
  | 'createdBy'
  | 'state'
  | 'statusCode'
  | 'statusMessage'
  | 'model'
  | 'precision'
  | 'continuedFrom'
  | 'validatedAt'
  | 'inputDatasetId'
  | 'outputDatasetId'
  | 'createdAt'
  | 'updatedAt'
  | 'expiresAt'
  | 'startedAt'
  | 'endedAt'
  | 'totalRows';

/** One page of an account's jobs, oldest first unless the page says otherwise. */
export async function listJobs(db: Db, page: Page<JobColumn>): Promise<TakenPage<Job>> {
  const matching = db.selectFrom('job').where(inPage(page));
  const { total } = await matching.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  const query = matching
    .select(JOB_COLUMNS)
    .limit(page.pageSize)
    .offset(page.offset ?? 0);
  const order = ordered(page, [{ column: 'createdAt' }, { column: 'id' }]);
  const rows = await order.reduce((all, { column, direction }) => all.orderBy(column, direction), query).execute();
  return { rows, total };
}
