/** A job's plan, some entries at a time: millions of them at once would be objects of gigabytes. */
import type { ObjectStore } from '../storage/object-store.ts';
import type { Job } from './job.ts';
import { decodePlan, PLAN_ENTRY_BYTES, type PlannedRow } from './plan-file.ts';

const ENTRIES_AT_ONCE = 65_536;

export interface PlanPage {
  /** The position of the first of its rows. */
  readonly first: number;
  readonly rows: readonly PlannedRow[];
}

/** In the order of their positions; none of a job that was not planned. */
export async function* readPlanPages(
  objects: Pick<ObjectStore, 'read'>,
  { planKey, totalRows }: Pick<Job, 'planKey' | 'totalRows'>,
): AsyncGenerator<PlanPage> {
  if (planKey === null || totalRows === null) return;
  for (let first = 0; first < totalRows; first += ENTRIES_AT_ONCE) {
    const end = Math.min(totalRows, first + ENTRIES_AT_ONCE);
    const bytes = await objects.read(planKey, { start: first * PLAN_ENTRY_BYTES, end: end * PLAN_ENTRY_BYTES });
    yield { first, rows: decodePlan(bytes) };
  }
}
