import type { KeptReply } from '../schema.ts';
import type { Db } from '../store.ts';

/** A request that wants to be the only one of its kind. */
export type ReplyClaim = Omit<KeptReply, 'status' | 'body'>;

/** Notes that a request is under way; answers the one that was there before, if it has not expired. Of several at once one finds nothing. */
export async function claimReply(db: Db, claim: ReplyClaim): Promise<KeptReply | undefined> {
  const fresh = { ...claim, status: null, body: null };
  for (;;) {
    const ours = await db
      .insertInto('keptReply')
      .values(fresh)
      .onConflict((conflict) =>
        conflict.columns(['accountId', 'apiKeyId', 'key']).doUpdateSet(fresh).where('keptReply.expiresAt', '<=', claim.begunAt),
      )
      .returning('key')
      .executeTakeFirst();
    if (ours !== undefined) return undefined;
    const theirs = await find(db, claim);
    if (theirs !== undefined) return theirs; // Else it was given up in between.
  }
}

const find = (db: Db, { accountId, apiKeyId, key }: ReplyClaim): Promise<KeptReply | undefined> =>
  db
    .selectFrom('keptReply')
    .selectAll()
    .where('accountId', '=', accountId)
    .where('apiKeyId', '=', apiKeyId)
    .where('key', '=', key)
    .executeTakeFirst();
