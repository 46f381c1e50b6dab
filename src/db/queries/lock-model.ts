import type { Model } from '../schema.ts';
import type { Tx } from '../store.ts';

/** The model as it is until the transaction ends: whoever changes it or its files waits. */
export const lockModel = (tx: Tx, { accountId, id }: Pick<Model, 'accountId' | 'id'>): Promise<Model | undefined> =>
  tx.selectFrom('model').selectAll().where('accountId', '=', accountId).where('id', '=', id).forNoKeyUpdate().executeTakeFirst();
