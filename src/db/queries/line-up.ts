import type { Db } from '../store.ts';

/** Tasks of one job that wait for their turn: its plan, or its shards of one model. */
export interface Waiting {
  readonly jobUid: string;
  /** The model's full name; `PLANS` for a plan. */
  readonly lane: string;
  readonly accountId: string;
  /** The shards; a plan is 0 … 0. */
  readonly next: number;
  readonly last: number;
  /** They are due one after the other, evenly spread over this time. */
  readonly from: Date;
  readonly until: Date;
}

/** The lane of plans: no model is named so. */
export const PLANS = 'plan';

/** Puts tasks into the line; who takes tasks is given them by turns. */
export async function lineUp(db: Db, all: readonly Waiting[]): Promise<void> {
  if (all.length === 0) return;
  const turns = all.map(({ lane, accountId }) => ({ lane, accountId }));
  await db
    .insertInto('turn')
    .values(turns)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const values = all.map(({ from, until, ...waiting }) => ({
    ...waiting,
    due: from,
    stepMs: Math.max(0, until.getTime() - from.getTime()) / (waiting.last - waiting.next + 1),
  }));
  await db.insertInto('waiting').values(values).execute();
}
