import type { Db } from '../store.ts';
import type { ReplyClaim } from './claim-reply.ts';

/** Gives up a claim whose request was refused: the next one of its kind is the first. */
export async function releaseReply(db: Db, { accountId, apiKeyId, key, begunAt }: ReplyClaim): Promise<void> {
  await db
    .deleteFrom('keptReply')
    .where('accountId', '=', accountId)
    .where('apiKeyId', '=', apiKeyId)
    .where('key', '=', key)
    .where('begunAt', '=', begunAt)
    .execute();
}
