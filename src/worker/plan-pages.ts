/** A job's plan, some entries at a time: millions of them at once would be objects of gigabytes. */
import type { Job } from '../jobs/job.ts';
import { decodePlan, PLAN_ENTRY_BYTES, type PlannedRow } from '../jobs/plan-file.ts';
import type { ObjectStore } from '../storage/object-store.ts';

const ENTRIES_AT_ONCE = 65_536;

/** Each planned row with its position. A job that was not planned has none. */
export async function* readPlan(
  objects: ObjectStore,
  { planKey, totalRows }: Job,
): AsyncGenerator<readonly (readonly [position: number, entry: PlannedRow])[]> {
  if (planKey === null || totalRows === null) return;
  for (let first = 0; first < totalRows; first += ENTRIES_AT_ONCE) {
    const range = { start: first * PLAN_ENTRY_BYTES, end: Math.min(totalRows, first + ENTRIES_AT_ONCE) * PLAN_ENTRY_BYTES };
    const entries = decodePlan(await objects.read(planKey, range));
    yield entries.map((entry, index) => [first + index, entry] as const);
  }
}
