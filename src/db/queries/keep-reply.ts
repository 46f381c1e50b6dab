import type { Db } from '../store.ts';
import type { ReplyClaim } from './claim-reply.ts';

/** Keeps what a claimed request was answered. */
export async function keepReply(
  db: Db,
  { accountId, apiKeyId, key, begunAt }: ReplyClaim,
  reply: { readonly status: number; readonly body: string },
): Promise<void> {
  await db
    .updateTable('keptReply')
    .set(reply)
    .where('accountId', '=', accountId)
    .where('apiKeyId', '=', apiKeyId)
    .where('key', '=', key)
    .where('begunAt', '=', begunAt)
    .execute();
}
