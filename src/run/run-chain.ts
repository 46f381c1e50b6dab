/** A run's jobs, first to last: each runs the rows that those before it left without an answer. */
import type { Caller, Context } from '../actions/context.ts';
import { listJobs } from '../db/queries/list-jobs.ts';
import { sumProgress } from '../db/queries/sum-progress.ts';
import { addUp } from '../jobs/add-up.ts';
import type { Job, Progress } from '../jobs/job.ts';

/** All jobs of the run's own account, oldest first. */
export async function readChain({ store }: Context, { accountId }: Caller): Promise<readonly Job[]> {
  const { rows: jobs } = await listJobs(store.db, { accountId, pageSize: 1_000 });
  return jobs.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
}

/** Input rows that no job of the chain has succeeded with. */
export async function unansweredRows(context: Context, chain: readonly Job[]): Promise<number> {
  const { ok } = await sumChain(context, chain);
  return (chain[0]?.inputRows ?? 0) - ok;
}

/** What the whole chain has done: each success once, failures of the last job only, as earlier ones ran again; tokens of all, as all were spent. */
export async function sumChain({ store }: Context, chain: readonly Job[]): Promise<Progress> {
  const all = await Promise.all(chain.map((job) => sumProgress(store.db, job.uid)));
  return { ...addUp(all), failed: all.at(-1)?.failed ?? 0 };
}
