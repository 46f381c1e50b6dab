import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { startPlannedJob } from '../../src/db/queries/start-planned-job.ts';
import type { Store } from '../../src/db/store.ts';
import type { Job } from '../../src/jobs/job.ts';
import { describeOnBoth } from './databases.ts';
import { finish, makeAccount, makeJob, pick, putAllAside } from './jobs.ts';

const MODEL = 'accounts/boatload/models/turns';
const HOUR_MS = 3_600_000;

/** A planned job of this account with so many shards of 100 rows, whose window ends then. */
async function makeJobOf(
  store: Store,
  accountId: string,
  { shards, hours = 24 }: { readonly shards: number; readonly hours?: number },
) {
  const now = Date.now();
  const job = await makeJob(store, {
    accountId,
    model: MODEL,
    inputDatasetId: 'in',
    createdAt: new Date(now),
    expiresAt: new Date(now + hours * HOUR_MS),
  });
  await startPlannedJob(store, job.uid, {
    totalRows: shards * 100,
    inputRows: shards * 100,
    rowFormat: 'fireworks',
    planKey: `plans/${job.uid}`,
    shards: Array.from({ length: shards }, (_, place) => ({ first: place * 100, count: 100 })),
  });
  return job;
}

/** Takes one shard after the other and finishes it; answers whose they were. */
async function runShards(store: Store, count: number): Promise<readonly string[]> {
  const uids: string[] = [];
  for (let n = 0; n < count; n++) {
    const lease = pick(await store.leases.take(1), 0);
    uids.push(lease.jobUid);
    await finish(store, lease);
  }
  return uids;
}

const countOf = (uids: readonly string[], { uid }: Job): number => uids.filter((each) => each === uid).length;

describeOnBoth('turns', (open) => {
  test('an account with many jobs does not delay the first shard of another by more than one', async () => {
    await putAllAside(open());
    const [a, b] = [await makeAccount(open()), await makeAccount(open())];
    for (let n = 0; n < 20; n++) await makeJobOf(open(), a, { shards: 2 });
    await runShards(open(), 5);
    const late = await makeJobOf(open(), b, { shards: 3 });
    const next = await runShards(open(), 7);
    expect(next.slice(0, 2)).toContain(late.uid);
    expect(countOf(next, late)).toBe(3);
  });

  test('an account that was idle takes turns, and does not make up for it', async () => {
    await putAllAside(open());
    const [a, b] = [await makeAccount(open()), await makeAccount(open())];
    await makeJobOf(open(), b, { shards: 1 });
    await runShards(open(), 1);
    const busy = await makeJobOf(open(), a, { shards: 40 });
    await runShards(open(), 10);
    const back = await makeJobOf(open(), b, { shards: 10 });
    const next = await runShards(open(), 10);
    expect(Math.abs(countOf(next, back) - countOf(next, busy))).toBeLessThanOrEqual(2);
  });

  test('within an account every job goes on at the pace that its window asks for', async () => {
    await putAllAside(open());
    const a = await makeAccount(open());
    const far = await makeJobOf(open(), a, { shards: 24, hours: 24 });
    const near = await makeJobOf(open(), a, { shards: 24, hours: 6 });
    const next = await runShards(open(), 25);
    expect(countOf(next, near) / countOf(next, far)).toBeGreaterThan(3);
    expect(countOf(next, far)).toBeGreaterThan(3);
    const small = await makeJobOf(open(), a, { shards: 1 });
    expect(await runShards(open(), 1)).toEqual([small.uid]);
  });

  test('plans take turns too', async () => {
    await putAllAside(open());
    const [a, b] = [await makeAccount(open()), await makeAccount(open())];
    const first = [];
    for (let n = 0; n < 5; n++) first.push(await makeJob(open(), { accountId: a, createdAt: new Date(Date.now() + n) }));
    const other = await makeJob(open(), { accountId: b });
    const taken = [];
    for (let n = 0; n < 6; n++) taken.push(pick(await open().queue.take('plan', 1), 0).jobUid);
    expect(taken.slice(0, 2)).toContain(other.uid);
    expect(taken.filter((uid) => uid !== other.uid)).toEqual(first.map(({ uid }) => uid));
  });

  test('many who take at once get every shard once', async () => {
    await putAllAside(open());
    const jobs = await Promise.all([1, 2, 3].map(async () => makeJobOf(open(), await makeAccount(open()), { shards: 20 })));
    const taker = async (): Promise<readonly string[]> => {
      const taken: string[] = [];
      for (;;) {
        const leases = await open().leases.take(3);
        if (leases.length === 0) return taken;
        taken.push(...leases.map(({ jobUid, shard, epoch }) => `${jobUid} ${shard} ${epoch}`));
      }
    };
    const taken = (await Promise.all(Array.from({ length: 8 }, taker))).flat();
    const all = jobs.flatMap(({ uid }) => Array.from({ length: 20 }, (_, shard) => `${uid} ${shard} 1`));
    expect(taken.toSorted()).toEqual(all.toSorted());
    const { rows } = await sql`select 1 from waiting where lane = ${MODEL}`.execute(open().db);
    expect(rows).toEqual([]);
  });
});
