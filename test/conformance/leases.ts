/** What every implementation of `Leases` and `LeasedJobs` has to hold. */
import { beforeEach, expect, test } from 'vitest';
import { endJobEarly } from '../../src/db/queries/end-job-early.ts';
import { listLatestEvents } from '../../src/db/queries/list-latest-events.ts';
import { moveJob } from '../../src/db/queries/move-job.ts';
import { sumProgress } from '../../src/db/queries/sum-progress.ts';
import type { Store } from '../../src/db/store.ts';
import { countPositions } from '../../src/jobs/ranges.ts';
import {
  claimOf,
  finish,
  listParts,
  makeJob,
  makePlannedJob,
  pick,
  putAllAside,
  stateOf,
  takeOf,
  takeOneOf,
  takeTaskOf,
} from '../db/jobs.ts';

const END = { outcome: 'EXPIRED', statusCode: 'DEADLINE_EXCEEDED', statusMessage: 'The window is over.' } as const;

/** The store's leases may be another implementation than its own. */
export function testLeases(open: () => Store): void {
  // A task that a test left in somebody's hands would come back in the middle of another.
  beforeEach(() => putAllAside(open()));

  test('a lease names its rows, and taking the first one sets the job running', async () => {
    const job = await makePlannedJob(open(), [3, 2]);
    const leases = await takeOf(open(), job);
    expect(leases).toMatchObject([
      { shard: 0, first: 0, count: 3, done: [] },
      { shard: 1, first: 3, count: 2, done: [] },
    ]);
    expect(await stateOf(open(), job)).toMatchObject({ state: 'RUNNING' });
  });

  test('a commit makes its rows done, and they count', async () => {
    const job = await makePlannedJob(open(), [10]);
    const lease = await takeOneOf(open(), job);
    expect(
      await open().leases.commit([
        claimOf(
          lease,
          [
            [0, 3],
            [5, 6],
          ],
          [[1, 2]],
        ),
      ]),
    ).toEqual([true]);
    await open().leases.giveBack(lease);
    const again = await takeOneOf(open(), job);
    expect(again).toMatchObject({
      epoch: lease.epoch + 1,
      done: [
        [0, 3],
        [5, 6],
      ],
    });
    expect(await sumProgress(open().db, job.uid)).toEqual({
      ok: 3,
      failed: 1,
      inputTokens: 30,
      outputTokens: 9,
      cachedTokens: 15,
      bytes: 400,
    });
  });

  test('shards that are taken together come in the order of the plan', async () => {
    const job = await makePlannedJob(
      open(),
      Array.from({ length: 12 }, () => 2),
    );
    const taken = await open().leases.take(1_000);
    expect(taken.filter(({ jobUid }) => jobUid === job.uid).map(({ shard }) => shard)).toEqual([...Array(12).keys()]);
    await Promise.all(taken.map((lease) => open().leases.giveBack(lease)));
  });

  test('the shards of a paused job wait in the queue, and are handed out again when it goes on', async () => {
    const job = await makePlannedJob(open(), [2, 2]);
    const [first] = await takeOf(open(), job);
    await moveJob(open().db, job.uid, 'PAUSED');
    if (first !== undefined) await open().leases.giveBack(first);
    expect(await takeOf(open(), job)).toEqual([]);
    expect(await stateOf(open(), job)).toMatchObject({ state: 'PAUSED' });
    await moveJob(open().db, job.uid, 'PENDING');
    await expect.poll(() => takeOf(open(), job), { timeout: 10_000 }).toHaveLength(1);
  });

  test('an older epoch can not commit', async () => {
    const job = await makePlannedJob(open(), [4]);
    const old = await takeOneOf(open(), job);
    await open().leases.giveBack(old);
    const current = await takeOneOf(open(), job);
    expect(await open().leases.commit([claimOf(old)])).toEqual([false]);
    expect(await open().leases.commit([claimOf(current)])).toEqual([true]);
    expect(await listParts(open().db, job.uid)).toHaveLength(1);
  });

  test('a commit that is repeated, as its answer was lost, is accepted again and counts once', async () => {
    const job = await makePlannedJob(open(), [4]);
    const lease = await takeOneOf(open(), job);
    const claim = claimOf(lease, [[0, 2]]);
    expect(await Promise.all([1, 2, 3].map(() => open().leases.commit([claim])))).toEqual([[true], [true], [true]]);
    expect(await open().leases.commit([claim, claimOf(lease, [[2, 3]])])).toEqual([true, true]);
    await open().leases.giveBack(lease);
    await takeOneOf(open(), job);
    expect(await open().leases.commit([claim])).toEqual([true]);
    expect(await sumProgress(open().db, job.uid)).toMatchObject({ ok: 3 });
    expect(await listParts(open().db, job.uid)).toHaveLength(2);
  });

  test('rows that are done already are refused in another part, also in part', async () => {
    const job = await makePlannedJob(open(), [4]);
    const lease = await takeOneOf(open(), job);
    expect(await open().leases.commit([claimOf(lease, [[0, 2]])])).toEqual([true]);
    expect(await open().leases.commit([claimOf(lease, [[0, 2]])])).toEqual([false]);
    expect(await open().leases.commit([claimOf(lease, [[1, 3]])])).toEqual([false]);
    expect(await sumProgress(open().db, job.uid)).toMatchObject({ ok: 2 });
  });

  test('of several claims each is judged by itself, in order', async () => {
    const job = await makePlannedJob(open(), [2, 2, 2]);
    const leases = await takeOf(open(), job);
    const claims = leases.map((lease, place) => ({ ...claimOf(lease), epoch: place === 1 ? lease.epoch - 1 : lease.epoch }));
    expect(await open().leases.commit(claims)).toEqual([true, false, true]);
    expect(await sumProgress(open().db, job.uid)).toMatchObject({ ok: 4 });
    expect(await open().leases.commit([])).toEqual([]);
  });

  test('two claims on one shard in one call both count, and each row once', async () => {
    const job = await makePlannedJob(open(), [4]);
    const lease = await takeOneOf(open(), job);
    const [one, other, both] = [claimOf(lease, [[0, 2]]), claimOf(lease, [[2, 4]]), claimOf(lease, [[1, 3]])];
    expect(await open().leases.commit([one, other])).toEqual([true, true]);
    expect(await open().leases.commit([both, one])).toEqual([false, true]);
    expect(await sumProgress(open().db, job.uid)).toMatchObject({ ok: 4 });
  });

  test('one object can hold the rows of several shards, each under its own epoch', async () => {
    const job = await makePlannedJob(open(), [4, 4]);
    const leases = await takeOf(open(), job);
    const objectKey = 'parts/shared';
    await open().leases.commit([{ ...claimOf(pick(leases, 0), [[0, 4]], [[2, 3]]), objectKey }]);
    await open().leases.commit([
      {
        ...claimOf(pick(leases, 1), [
          [4, 5],
          [6, 8],
        ]),
        objectKey,
      },
    ]);
    expect(await listParts(open().db, job.uid)).toEqual([
      { objectKey, shard: 0, epoch: 1, rows: [[0, 4]], failedRows: [[2, 3]], bytes: 400 },
      {
        objectKey,
        shard: 1,
        epoch: 1,
        rows: [
          [4, 5],
          [6, 8],
        ],
        failedRows: [],
        bytes: 300,
      },
    ]);
  });

  test('a taker gets no more than it asks for, and the rest waits in the order of the plan', async () => {
    const job = await makePlannedJob(open(), [1, 1, 1]);
    const shardsOf = async (max: number) => (await open().leases.take(max)).map(({ jobUid, shard }) => [jobUid, shard]);
    expect([await shardsOf(1), await shardsOf(2), await shardsOf(1)]).toEqual([
      [[job.uid, 0]],
      [
        [job.uid, 1],
        [job.uid, 2],
      ],
      [],
    ]);
  });

  test('the shards of a job that has several models end in any order', async () => {
    const models = ['a', 'a', 'b', 'c', 'c'];
    const job = await makePlannedJob(open(), [1, 1, 1, 1, 1], models);
    const held = await takeOf(open(), job);
    expect(held.map(({ shard, model }) => [shard, model])).toEqual(models.map((model, shard) => [shard, model]));
    for (const shard of [4, 2, 3, 1]) await finish(open(), pick(held, shard));
    expect(await takeTaskOf(open(), 'merge', job)).toBeUndefined();
    await finish(open(), pick(held, 0));
    expect(await stateOf(open(), job)).toMatchObject({ state: 'WRITING_RESULTS', outcome: 'COMPLETED' });
    expect(await takeTaskOf(open(), 'merge', job)).toBeDefined();
  });

  test('what a taker does not want is left to others: one account of a model, or all of it', async () => {
    const job = await makePlannedJob(open(), [1, 1], ['m/1', 'm/2']);
    const other = await makePlannedJob(open(), [1], ['m/1']);
    const { accountId } = job;
    expect(await open().leases.take(5, undefined, [{ model: 'm/1' }, { model: 'm/2' }])).toEqual([]);
    const [own] = await open().leases.take(1, undefined, [{ model: 'm/1', accountId }, { model: 'm/2' }]);
    expect(own).toMatchObject({ jobUid: other.uid, accountId: other.accountId, model: 'm/1' });
    expect(await open().leases.take(5, undefined, [{ model: 'm/1' }])).toMatchObject([{ jobUid: job.uid, model: 'm/2' }]);
    expect(await open().leases.take(5, undefined, [])).toMatchObject([{ jobUid: job.uid, model: 'm/1' }]);
  });

  test('after the last shard the job goes on to its results', async () => {
    const job = await makePlannedJob(open(), [2, 1]);
    const [first, last] = await takeOf(open(), job);
    if (first === undefined || last === undefined) throw new Error('two shards wait');
    await finish(open(), first);
    expect(await takeTaskOf(open(), 'merge', job)).toBeUndefined();
    await finish(open(), last);
    expect(await stateOf(open(), job)).toMatchObject({ state: 'WRITING_RESULTS', outcome: 'COMPLETED' });
    expect(await takeTaskOf(open(), 'merge', job)).toMatchObject({ kind: 'merge', jobUid: job.uid });
    expect(await takeOf(open(), job)).toEqual([]);
  });

  test('when the last shards are settled at the same time, exactly one merge is queued', async () => {
    const job = await makePlannedJob(open(), [1, 1, 1, 1]);
    await Promise.all((await takeOf(open(), job)).map((lease) => finish(open(), lease)));
    expect(await stateOf(open(), job)).toMatchObject({ state: 'WRITING_RESULTS' });
    expect(await takeTaskOf(open(), 'merge', job)).toBeDefined();
    expect(await takeTaskOf(open(), 'merge', job)).toBeUndefined();
  });

  test('a shard with rows that are not committed can not be settled', async () => {
    const job = await makePlannedJob(open(), [3]);
    const lease = await takeOneOf(open(), job);
    await open().leases.commit([claimOf(lease, [[0, 2]])]);
    await expect(open().leases.settle(lease)).rejects.toMatchObject({ code: 'INTERNAL', reason: 'SHARD_INCOMPLETE' });
    await open().leases.commit([claimOf(lease, [[2, 3]])]);
    await open().leases.settle(lease);
    expect(await stateOf(open(), job)).toMatchObject({ state: 'WRITING_RESULTS' });
  });

  test('settling with an older lease changes nothing for its successor', async () => {
    const job = await makePlannedJob(open(), [2]);
    const old = await takeOneOf(open(), job);
    await open().leases.giveBack(old);
    const current = await takeOneOf(open(), job);
    await open().leases.settle(old);
    expect(await stateOf(open(), job)).toMatchObject({ state: 'RUNNING' });
    expect(await open().leases.keep([old, current])).toEqual([old]);
  });

  test('ending a job early fences whoever holds a shard and keeps what is committed', async () => {
    const job = await makePlannedJob(open(), [4, 4]);
    const lease = await takeOneOf(open(), job);
    await open().leases.commit([claimOf(lease, [[0, 1]])]);
    expect(await endJobEarly(open(), job.uid, END)).toBe(true);
    expect(await open().leases.commit([claimOf(lease, [[1, 4]])])).toEqual([false]);
    await open().leases.settle(lease);
    expect(await stateOf(open(), job)).toMatchObject({ state: 'WRITING_RESULTS', outcome: 'EXPIRED' });
    expect(await sumProgress(open().db, job.uid)).toMatchObject({ ok: 1 });
    expect(await takeTaskOf(open(), 'merge', job)).toBeDefined();
    expect(await endJobEarly(open(), job.uid, { ...END, outcome: 'CANCELLED' })).toBe(false);
    expect(await takeTaskOf(open(), 'merge', job)).toBeUndefined();
    expect(await stateOf(open(), job)).toMatchObject({ outcome: 'EXPIRED' });
  });

  test('a job that was cancelled takes what is finished but gives out no more shards', async () => {
    const job = await makePlannedJob(open(), [2, 2]);
    const leases = await takeOf(open(), job);
    const first = pick(leases, 0);
    await open().leases.giveBack(pick(leases, 1));
    await moveJob(open().db, job.uid, 'CANCELLING');
    expect(await open().leases.commit([claimOf(first)])).toEqual([true]);
    await open().leases.settle(first);
    expect(await takeOf(open(), job)).toEqual([]);
    await endJobEarly(open(), job.uid, { ...END, outcome: 'CANCELLED' });
    expect(await stateOf(open(), job)).toMatchObject({ state: 'WRITING_RESULTS', outcome: 'CANCELLED' });
  });

  test('tasks of a job that is gone or has ended leave the queue silently', async () => {
    const ended = await makePlannedJob(open(), [1, 1]);
    await endJobEarly(open(), ended.uid, END);
    const gone = await makePlannedJob(open(), [1]);
    await open().db.deleteFrom('job').where('uid', '=', gone.uid).execute();
    expect(await takeOf(open(), ended)).toEqual([]);
    const left = await open().queue.take('shard', 1_000);
    expect(left.filter(({ jobUid }) => jobUid === ended.uid || jobUid === gone.uid)).toEqual([]);
    await Promise.all(left.map((task) => open().queue.giveBack(task)));
  });

  test('holders that take a shard from each other never commit a row twice', async () => {
    const job = await makePlannedJob(open(), [40]);
    const next = { position: 0 };
    const holder = async (): Promise<void> => {
      for (let round = 0; round < 10; round++) {
        const [lease] = await takeOf(open(), job);
        if (lease === undefined) continue;
        const row = next.position++;
        // The same row as somebody before at times, and given away while the commit is under way.
        const commit = open().leases.commit([claimOf(lease, [[row - (row % 3), row + 1]])]);
        await open().leases.giveBack(lease);
        await commit;
      }
    };
    await Promise.all(Array.from({ length: 4 }, holder));
    const positions = (await listParts(open().db, job.uid)).flatMap(({ rows }) =>
      rows.flatMap(([first, end]) => Array.from({ length: end - first }, (_, n) => first + n)),
    );
    expect(positions.length).toBeGreaterThan(0);
    expect(new Set(positions).size).toBe(positions.length);
    expect(await sumProgress(open().db, job.uid)).toMatchObject({ ok: positions.length });
    expect(countPositions((await takeOneOf(open(), job)).done)).toBe(positions.length);
  });

  test('who waits for work gets it as soon as it comes, and none when the wait is over or broken off', async () => {
    const stop = new AbortController();
    expect(await open().leases.take(5, { maxMs: 50, signal: stop.signal })).toEqual([]);
    const taken = open().leases.take(5, { maxMs: 20_000, signal: stop.signal });
    const job = await makePlannedJob(open(), [1]);
    expect(await taken).toMatchObject([{ jobUid: job.uid, shard: 0, epoch: 1 }]);
    const waiting = open().leases.take(5, { maxMs: 20_000, signal: stop.signal });
    stop.abort();
    expect(await waiting).toEqual([]);
  });

  test('of those who wait together each gets a share', async () => {
    const { signal } = new AbortController();
    const waiting = [1, 2, 3].map(() => open().leases.take(2, { maxMs: 20_000, signal }));
    const job = await makePlannedJob(open(), [1, 1, 1, 1, 1, 1]);
    const taken = await Promise.all(waiting);
    for (const leases of taken) expect(leases.map(({ jobUid }) => jobUid)).toContain(job.uid);
    const shards = taken.flat().map(({ shard }) => shard);
    expect(new Set(shards).size).toBe(shards.length);
  });

  test('a heartbeat names the leases that somebody else has by now', async () => {
    const job = await makePlannedJob(open(), [1, 1]);
    const [lost, kept] = await takeOf(open(), job);
    if (lost === undefined || kept === undefined) throw new Error('two shards were queued');
    expect(await open().leases.keep([lost, kept])).toEqual([]);
    await open().leases.giveBack(lost);
    const again = await takeOneOf(open(), job);
    expect(await open().leases.keep([lost, kept])).toEqual([lost]);
    expect(await open().leases.keep([again])).toEqual([]);
    expect(await open().leases.keep([])).toEqual([]);
  });

  test('commits that want the same shards in opposite orders never lock each other out', async () => {
    const job = await makePlannedJob(open(), Array(30).fill(100));
    const leases = await takeOf(open(), job);
    const verdicts = await Promise.all(
      Array.from({ length: 60 }, (_, row) => {
        const claims = leases.map((lease) => claimOf(lease, [[lease.first + row, lease.first + row + 1]]));
        return open().leases.commit(row % 2 === 0 ? claims : claims.toReversed());
      }),
    );
    expect(verdicts.flat().every(Boolean)).toBe(true);
    expect(await sumProgress(open().db, job.uid)).toMatchObject({ ok: 30 * 60 });
  });

  test('a job is opened with what it takes to run its rows, and its state is known until it is gone', async () => {
    const job = await makePlannedJob(open(), [1]);
    const { uid, model, settings, accountId, inputDatasetId: datasetId } = job;
    const file = { name: 'in.jsonl', objectKey: 'datasets/in.jsonl', bytes: 12 };
    const rest = { accountId, datasetId, rows: 1, sha256: '', createdAt: new Date() };
    await open()
      .db.insertInto('datasetFile')
      .values({ ...file, ...rest })
      .execute();
    expect(await open().jobs.open(uid)).toMatchObject({
      ...{ uid, model, settings, rowFormat: 'fireworks', planKey: `plans/${uid}` },
      files: [file],
    });
    const unplanned = await makeJob(open());
    expect(await open().jobs.open(unplanned.uid)).toBeUndefined();
    const states = async () => [...(await open().jobs.states([uid, unplanned.uid]))].toSorted();
    expect(await states()).toEqual([[uid, 'PENDING'] as const, [unplanned.uid, 'VALIDATING'] as const].toSorted());
    await open().db.deleteFrom('job').where('uid', '=', unplanned.uid).execute();
    expect(await states()).toEqual([[uid, 'PENDING']]);
    expect(await open().jobs.states([])).toEqual(new Map());
  });

  test('what is said of a job is on its timeline, and one that no engine answers ends with what is committed', async () => {
    const job = await makePlannedJob(open(), [2]);
    const lease = await takeOneOf(open(), job);
    const { uid: jobUid } = job;
    expect(await open().jobs.latestNote(jobUid, ['engine-lost'])).toBeUndefined();
    const at = new Date('2026-05-05T05:05:05.050Z');
    await open().jobs.note({ jobUid, at, kind: 'engine-lost', message: 'It is silent.', details: { model: 'm' } });
    expect(await open().jobs.latestNote(jobUid, ['engine-back', 'engine-lost'])).toMatchObject({
      kind: 'engine-lost',
      details: { model: 'm' },
    });
    expect((await listLatestEvents(open().db, [jobUid], ['engine-lost'])).get(jobUid)).toMatchObject({
      at,
      message: 'It is silent.',
    });
    await open().leases.commit([claimOf(lease, [[0, 1]])]);
    await open().jobs.giveUp(jobUid, { statusCode: 'UNAVAILABLE', statusMessage: 'Nobody answers.' });
    expect(await stateOf(open(), job)).toMatchObject({ state: 'WRITING_RESULTS', outcome: 'FAILED' });
    expect(await open().leases.commit([claimOf(lease, [[1, 2]])])).toEqual([false]);
  });

  test('an engine may refuse with a page of any length', async () => {
    const job = await makePlannedJob(open(), [1]);
    const page = `<html>${'No. '.repeat(5_000)}`;
    await open().jobs.note({ jobUid: job.uid, at: new Date(), kind: 'engine-lost', message: page, details: {} });
    const { message } = (await listLatestEvents(open().db, [job.uid], ['engine-lost'])).get(job.uid) ?? {};
    expect(message).toMatch(/^<html>(?:No\. ){2000}/);
    await open().jobs.giveUp(job.uid, { statusCode: 'UNAVAILABLE', statusMessage: page });
    expect(await stateOf(open(), job)).toMatchObject({ state: 'WRITING_RESULTS', outcome: 'FAILED' });
  });
}
