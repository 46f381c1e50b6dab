/** Which rows of the input a chain of continued jobs has answered already. */
import { listLineage } from '../db/queries/list-lineage.ts';
import { ANSWERED, readFates } from '../db/queries/read-fates.ts';
import { ancestorsOf } from '../jobs/ancestors.ts';
import type { Job } from '../jobs/job.ts';
import { readPlanPages } from '../jobs/plan-pages.ts';
import type { WorkerContext } from './worker-context.ts';

/** A function that says of a row number whether some job of the chain before this one has succeeded with it. */
export async function readAnsweredRows(context: WorkerContext, job: Job, rowCount: number): Promise<(row: number) => boolean> {
  const answered = new Uint8Array(rowCount);
  const family = await listLineage(context.store.db, job.accountId, job.id);
  for (const ancestor of ancestorsOf(job, family)) await markSucceededRows(context, ancestor, answered);
  return (row) => answered[row] === 1;
}

async function markSucceededRows({ store, objects }: WorkerContext, job: Job, answered: Uint8Array): Promise<void> {
  const fates = await readFates(store.db, job);
  for await (const { first, rows } of readPlanPages(objects, job))
    for (const [index, { row }] of rows.entries()) if (fates[first + index] === ANSWERED) answered[row] = 1;
}
