/** Which rows of the input a chain of continued jobs has answered already. */
import { listLineage } from '../db/queries/list-lineage.ts';
import { readPartPages, type StoredPart } from '../db/queries/list-parts.ts';
import { ancestorsOf } from '../jobs/ancestors.ts';
import type { Job } from '../jobs/job.ts';
import { decodePlan, type PlannedRow } from '../jobs/plan-file.ts';
import { hasPosition, type Ranges } from '../jobs/ranges.ts';
import type { WorkerContext } from './worker-context.ts';

/** A function that says of a row number whether some job of the chain before this one has succeeded with it. */
export async function readAnsweredRows(context: WorkerContext, job: Job, rowCount: number): Promise<(row: number) => boolean> {
  const answered = new Uint8Array(rowCount);
  const family = await listLineage(context.store.db, job.accountId, job.id);
  for (const ancestor of ancestorsOf(job, family)) await markSucceededRows(context, ancestor, answered);
  return (row) => answered[row] === 1;
}

async function markSucceededRows({ store, objects }: WorkerContext, job: Job, answered: Uint8Array): Promise<void> {
  if (job.planKey === null) return;
  const plan = decodePlan(await objects.read(job.planKey));
  for await (const parts of readPartPages(store.db, job.uid)) for (const part of parts) markPart(part, plan, answered);
}

function markPart(part: StoredPart, plan: readonly PlannedRow[], answered: Uint8Array): void {
  for (const position of positionsOf(part.rows)) {
    const row = plan[position]?.row;
    if (row !== undefined && !hasPosition(part.failedRows, position)) answered[row] = 1;
  }
}

function* positionsOf(ranges: Ranges): Generator<number> {
  for (const [first, end] of ranges) for (let position = first; position < end; position++) yield position;
}
