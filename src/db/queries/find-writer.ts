import type { Job } from '../../jobs/job.ts';
import type { Db } from '../store.ts';
import { ACTIVE_STATES } from './active-states.ts';
import { JOB_COLUMNS } from './job-columns.ts';

/** The job that writes a dataset: one that will, else the one that has. */
export async function findWriter(db: Db, accountId: string, datasetId: string): Promise<Job | undefined> {
  const jobs = await db
    .selectFrom('job')
    .select(JOB_COLUMNS)
    .where('accountId', '=', accountId)
    .where('outputDatasetId', '=', datasetId)
    .where((where) =>
      where.or([
        where('state', 'in', ACTIVE_STATES),
        where(
          'id',
          '=',
          where.selectFrom('dataset').select('sourceJob').where('accountId', '=', accountId).where('id', '=', datasetId),
        ),
      ]),
    )
    .execute();
  return jobs.find(({ state }) => ACTIVE_STATES.includes(state)) ?? jobs[0];
}
