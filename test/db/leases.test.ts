import { expect, test } from 'vitest';
import { endJobEarly } from '../../src/db/queries/end-job-early.ts';
import { listParts } from '../../src/db/queries/list-parts.ts';
import { moveJob } from '../../src/db/queries/move-job.ts';
import { sumProgress } from '../../src/db/queries/sum-progress.ts';
import { countPositions } from '../../src/jobs/ranges.ts';
import { describeOnBoth } from './databases.ts';
import { claimOf, finish, makePlannedJob, pick, stateOf, takeOf, takeOneOf, takeTaskOf } from './jobs.ts';

const END = { outcome: 'EXPIRED', statusCode: 'DEADLINE_EXCEEDED', statusMessage: 'The window is over.' } as const;

describeOnBoth('leases', (open) => {
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

  test('two claims on one shard in one call never both count', async () => {
    const job = await makePlannedJob(open(), [4]);
    const lease = await takeOneOf(open(), job);
    const verdicts = await open().leases.commit([claimOf(lease, [[0, 2]]), claimOf(lease, [[2, 4]])]);
    expect(verdicts.filter(Boolean)).toHaveLength(1);
    expect(await sumProgress(open().db, job.uid)).toMatchObject({ ok: 2 });
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

  test('only a window of the shards is in the queue, and each that is settled lets the next one in', async () => {
    const job = await makePlannedJob(open(), [1, 1, 1, 1, 1], 2);
    const leases = await takeOf(open(), job);
    expect(leases.map(({ shard }) => shard)).toEqual([0, 1]);
    expect(await takeOf(open(), job)).toEqual([]);
    await finish(open(), pick(leases, 1));
    expect((await takeOf(open(), job)).map(({ shard }) => shard)).toEqual([2]);
  });

  test('every model of a job has its own window in the queue, in any order of settling', async () => {
    const models = ['a', 'a', 'a', 'a', 'b', 'c', 'c', 'c'];
    const job = await makePlannedJob(open(), [1, 1, 1, 1, 1, 1, 1, 1], 2, models);
    const held = [...(await takeOf(open(), job))];
    expect(held.map(({ shard, model }) => [shard, model])).toEqual([
      [0, 'a'],
      [1, 'a'],
      [4, 'b'],
      [5, 'c'],
      [6, 'c'],
    ]);
    /** Settles that shard; answers those that come in its place. */
    const settle = async (wanted: number) => {
      const at = held.findIndex(({ shard }) => shard === wanted);
      await finish(open(), pick(held.splice(at, 1), 0));
      const next = await takeOf(open(), job);
      held.push(...next);
      return next.map(({ shard }) => shard);
    };
    expect([await settle(6), await settle(4), await settle(5), await settle(7)]).toEqual([[7], [], [], []]);
    expect([await settle(1), await settle(2), await settle(3)]).toEqual([[2], [3], []]);
    expect(await takeTaskOf(open(), 'merge', job)).toBeUndefined();
    expect(await settle(0)).toEqual([]);
    expect(await stateOf(open(), job)).toMatchObject({ state: 'WRITING_RESULTS', outcome: 'COMPLETED' });
    expect(await takeTaskOf(open(), 'merge', job)).toBeDefined();
  });

  test('after the last shard the job goes on to its results', async () => {
    const job = await makePlannedJob(open(), [2, 1], 1);
    await finish(open(), await takeOneOf(open(), job));
    expect(await takeTaskOf(open(), 'merge', job)).toBeUndefined();
    await finish(open(), await takeOneOf(open(), job));
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
    const job = await makePlannedJob(open(), [4, 4], 1);
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
    const job = await makePlannedJob(open(), [2, 2], 2);
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
});
