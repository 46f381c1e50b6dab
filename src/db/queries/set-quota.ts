import type { Quota } from '../schema.ts';
import type { Db } from '../store.ts';

export async function setQuota(db: Db, quota: Quota): Promise<void> {
  const { value, updatedAt } = quota;
  await db
    .insertInto('quota')
    .values(quota)
    .onConflict((conflict) => conflict.columns(['accountId', 'id']).doUpdateSet({ value, updatedAt }))
    .execute();
}
