/** How much an account may have: what the server was started with, and less where an admin says so. */
import { Problem } from '../base/problem.ts';
import { findQuota } from '../db/queries/find-quota.ts';
import { measureUsage } from '../db/queries/measure-usage.ts';
import { setQuota } from '../db/queries/set-quota.ts';
import type { Db } from '../db/store.ts';
import type { Caller, Context, Limits, QuotaId } from './context.ts';

/** All quotas, by name. (`Object.keys` forgets the type.) */
export const quotaIds = ({ quotas }: Limits): readonly QuotaId[] => Object.keys(quotas).toSorted() as QuotaId[];

/** What is about to be added to what an account has. */
export interface Addition {
  readonly accountId: string;
  readonly id: QuotaId;
  readonly adding: number;
}

/** How much more an account may have, and what is said when that is not enough. */
export interface QuotaRoom {
  readonly left: number;
  readonly exceeded: () => Problem;
}

/** Looks how much room there is. What is added meanwhile by others shows in the transaction that adds. */
export async function measureRoom(
  { limits }: Pick<Context, 'limits'>,
  db: Db,
  { accountId, id }: Pick<Addition, 'accountId' | 'id'>,
): Promise<QuotaRoom> {
  const value = Math.min((await findQuota(db, accountId, id))?.value ?? limits.quotas[id], limits.quotas[id]);
  const used = (await measureUsage(db, accountId))[id];
  const exceeded = () =>
    new Problem(
      'RESOURCE_EXHAUSTED',
      `The quota "${id}" of accounts/${accountId} is ${value}, and ${used} are used. Delete or wait for something, or have the quota raised.`,
      { reason: 'QUOTA_EXCEEDED', details: { quota: id, value, used } },
    );
  return { left: value - used, exceeded };
}

/** Refuses what would lead above the quota. Inside the transaction that adds, nobody else can slip in between. */
export async function checkQuota(context: Pick<Context, 'limits'>, db: Db, { accountId, id, adding }: Addition): Promise<void> {
  const { left, exceeded } = await measureRoom(context, db, { accountId, id });
  if (adding > left) throw exceeded();
}

/** Sets what is enforced, up to what the server was started with. */
export async function updateQuota(
  context: Context,
  { accountId }: Caller,
  wish: { readonly id: string; readonly value: number },
): Promise<void> {
  const id = knownQuota(context.limits, wish.id);
  const most = context.limits.quotas[id];
  if (wish.value > most) throw tooMuch(wish.value, most);
  await setQuota(context.store.db, { accountId, id, value: wish.value, updatedAt: context.clock.now() });
}

/** The quota of this name; NOT_FOUND when there is none. */
export const knownQuota = (limits: Limits, name: string): QuotaId => {
  const id = quotaIds(limits).find((known) => known === name);
  if (id !== undefined) return id;
  throw new Problem('NOT_FOUND', `resource not found: quota "${name.slice(0, 100)}". There is: ${quotaIds(limits).join(', ')}.`, {
    reason: 'QUOTA_NOT_FOUND',
  });
};

const tooMuch = (value: number, most: number): Problem =>
  new Problem('INVALID_ARGUMENT', `value must be at most ${most}, got ${value}. Whoever runs the server can raise the limit.`, {
    reason: 'QUOTA_ABOVE_MAXIMUM',
    details: { field: 'value', maxValue: most },
  });
