import { sql } from 'kysely';
import type { Db } from '../store.ts';

/**
 * Gives every part of a job that has none its place in the reading order: from 1, without holes, never changed. Those that are committed later come
 * later, whatever their ids: a commit that was under way is not seen, and is numbered next time.
 */
export async function numberParts(db: Db, jobUid: string): Promise<void> {
  if (!(await hasUnnumbered(db, jobUid))) return;
  await db.transaction().execute(async (tx) => {
    // A statement sees what was there when it began: the lock has to be taken before.
    await tx.selectFrom('job').select('uid').where('uid', '=', jobUid).forNoKeyUpdate().execute();
    await sql`
      update part set reading_order = numbered.place
        from (
          select id, row_number() over (order by id)
                 + (select coalesce(max(reading_order), 0) from part where job_uid = ${jobUid}::uuid) as place
            from part where job_uid = ${jobUid}::uuid and reading_order is null
        ) as numbered
       where part.id = numbered.id
    `.execute(tx);
  });
}

async function hasUnnumbered(db: Db, jobUid: string): Promise<boolean> {
  const part = await db
    .selectFrom('part')
    .select('id')
    .where('jobUid', '=', jobUid)
    .where('readingOrder', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return part !== undefined;
}
