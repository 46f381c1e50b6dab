/** The order in which readers get a job's parts: no part is passed over, whatever is committed while they read. */
import { expect, test } from 'vitest';
import { openStore } from '../../src/db/open-store.ts';
import { commitParts } from '../../src/db/queries/commit-parts.ts';
import { listNumberedParts } from '../../src/db/queries/list-numbered-parts.ts';
import { numberParts } from '../../src/db/queries/number-parts.ts';
import type { Store } from '../../src/db/store.ts';
import type { Job } from '../../src/jobs/job.ts';
import { startPostgres } from '../support/postgres.ts';
import { describeOnBoth } from './databases.ts';
import { claimOf, makePlannedJob, pick, takeOf } from './jobs.ts';

/** Shard and place of the parts behind a place. */
const placesOf = async ({ db }: Store, { uid }: Job, after?: number) => {
  await numberParts(db, uid);
  return (await listNumberedParts(db, uid, after)).map(({ shard, readingOrder }) => [shard, readingOrder]);
};

describeOnBoth('the reading order', (open) => {
  test('parts are numbered as they are found, and keep their numbers', async () => {
    const job = await makePlannedJob(open(), [1, 1, 1, 1]);
    const leases = await takeOf(open(), job);
    const commit = (...shards: readonly number[]) => open().leases.commit(shards.map((shard) => claimOf(pick(leases, shard))));
    expect(await placesOf(open(), job)).toEqual([]);
    await commit(2);
    expect(await placesOf(open(), job)).toEqual([[2, 1]]);
    await commit(3, 0);
    const [, , last] = await placesOf(open(), job);
    expect(await placesOf(open(), job)).toHaveLength(3);
    await commit(1);
    expect(await placesOf(open(), job, 2)).toEqual([last, [1, 4]]);
    expect(await placesOf(open(), await makePlannedJob(open(), [1]))).toEqual([]);
  });

  test('readers who come at the same time find the same order', async () => {
    const job = await makePlannedJob(
      open(),
      Array.from({ length: 20 }, () => 1),
    );
    for (const lease of await takeOf(open(), job)) await open().leases.commit([claimOf(lease)]);
    const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => placesOf(open(), job)));
    expect(first?.map(([, place]) => place)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    for (const other of others) expect(other).toEqual(first);
  });
});

test('a commit that was begun earlier and ends later than one that was read already comes after it', async () => {
  const server = await startPostgres();
  const store = await openStore({ url: await server.makeDatabase() });
  try {
    const job = await makePlannedJob(store, [1, 1]);
    const [early, late] = await takeOf(store, job);
    if (early === undefined || late === undefined) throw new Error('two shards were queued');
    await store.db.transaction().execute(async (tx) => {
      expect(await commitParts(tx, [claimOf(early)])).toEqual([true]);
      expect(await store.leases.commit([claimOf(late)])).toEqual([true]);
      expect(await placesOf(store, job)).toEqual([[1, 1]]);
    });
    expect(await placesOf(store, job, 1)).toEqual([[0, 2]]);
  } finally {
    await store.close();
    await server.stop();
  }
});
