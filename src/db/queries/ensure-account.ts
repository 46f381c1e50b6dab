import type { Db } from '../store.ts';

export interface NewAccount {
  readonly id: string;
  readonly displayName?: string;
  readonly createdAt?: Date;
}

/** Makes the account unless it is there. */
export async function ensureAccount(db: Db, { id, displayName = id, createdAt = new Date() }: NewAccount): Promise<void> {
  await db
    .insertInto('account')
    .values({ id, displayName, createdAt })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
