import type { Tx } from '../store.ts';

/** Makes whoever gives out names in this account wait for the transaction, so that what it has checked stays true. */
export async function lockAccount(tx: Tx, accountId: string): Promise<void> {
  await tx.selectFrom('account').select('id').where('id', '=', accountId).forNoKeyUpdate().execute();
}
