/** Opens a database, commits one row at a time and says so after each, until it is killed. */
import { openStore } from '../../src/db/open-store.ts';
import { findJobByUid } from '../../src/db/queries/find-job-by-uid.ts';
import { claimOf, takeOf } from './jobs.ts';

const [url = '', cacheDir = '', jobUid = ''] = process.argv.slice(2);
const store = await openStore({ url, cacheDir });
const job = await findJobByUid(store.db, jobUid);
if (job === undefined) throw new Error('the job is gone');
const [lease] = await takeOf(store, job);
if (lease === undefined) throw new Error('the shard of the killed process did not come back');
for (let position = lease.done.at(-1)?.[1] ?? 0; position < lease.count; position++) {
  const [accepted] = await store.leases.commit([claimOf(lease, [[position, position + 1]])]);
  if (!accepted) throw new Error(`row ${position} was refused`);
  process.stdout.write(`${position}\n`);
}
