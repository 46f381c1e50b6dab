import { sql } from 'kysely';
import { inTransaction } from '../in-transaction.ts';
import { storableText } from '../storable-text.ts';
import type { Db } from '../store.ts';
import type { NewEvent } from './add-event.ts';

/** Notes something on a job's timeline unless an event of its kind is there already. */
export async function addEventOnce(db: Db, { jobUid, at, kind, message, details = {} }: NewEvent): Promise<void> {
  await inTransaction(db, async (tx) => {
    // A statement sees nothing of another that has not ended: without the lock two at once would both find none.
    await tx.selectFrom('job').select('uid').where('uid', '=', jobUid).forNoKeyUpdate().execute();
    await sql`
      insert into event (job_uid, at, kind, message, details)
      select ${jobUid}::uuid, ${at}::timestamptz, ${kind}, ${storableText(message)}, ${JSON.stringify(details)}::jsonb
       where not exists (select 1 from event where job_uid = ${jobUid}::uuid and kind = ${kind})
    `.execute(tx);
  });
}
