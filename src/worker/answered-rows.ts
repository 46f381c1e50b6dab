/** Which rows of the input a chain of continued jobs has answered already. */
import { listLineage } from '../db/queries/list-lineage.ts';
import { readPartPages, type StoredPart } from '../db/queries/list-parts.ts';
import { ancestorsOf } from '../jobs/ancestors.ts';
import type { Job } from '../jobs/job.ts';
import { readPlan } from './plan-pages.ts';
import type { WorkerContext } from './worker-context.ts';

/** A function that says of a row number whether some job of the chain before this one has succeeded with it. */
export async function readAnsweredRows(context: WorkerContext, job: Job, rowCount: number): Promise<(row: number) => boolean> {
  const answered = new Uint8Array(rowCount);
  const family = await listLineage(context.store.db, job.accountId, job.id);
  for (const ancestor of ancestorsOf(job, family)) await markSucceededRows(context, ancestor, answered);
  return (row) => answered[row] === 1;
}

async function markSucceededRows({ store, objects }: WorkerContext, job: Job, answered: Uint8Array): Promise<void> {
  const succeeded = new Uint8Array(job.totalRows ?? 0);
  for await (const parts of readPartPages(store.db, job.uid)) for (const part of parts) markPart(part, succeeded);
  for await (const entries of readPlan(objects, job))
    for (const [position, { row }] of entries) if (succeeded[position] === 1) answered[row] = 1;
}

/** A position stands in one part at most, with its failure. */
function markPart({ rows, failedRows }: StoredPart, succeeded: Uint8Array): void {
  for (const [first, end] of rows) succeeded.fill(1, first, end);
  for (const [first, end] of failedRows) succeeded.fill(0, first, end);
}
