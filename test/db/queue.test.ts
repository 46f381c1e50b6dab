import { randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import type { Store, Task, TaskKind } from '../../src/db/store.ts';
import { describeOnBoth } from './databases.ts';
import { pick } from './jobs.ts';

const NEVER = new AbortController().signal;
const LONG_MS = 60_000;

/** Adds one task and takes it. */
async function takeNew({ queue }: Store, kind: TaskKind): Promise<Task> {
  await queue.add(kind, [{ jobUid: randomUUID() }]);
  return pick(await queue.take(kind, 1), 0);
}

describeOnBoth('the queue', (open) => {
  test('gives each task to one taker, in the order in which they came', async () => {
    const { queue } = open();
    const jobUid = randomUUID();
    await queue.add(
      'shard',
      [0, 1, 2].map((shard) => ({ jobUid, shard })),
    );
    const [first, second] = await Promise.all([queue.take('shard', 2), queue.take('shard', 2)]);
    const taken = [...first, ...second];
    expect(taken.map(({ shard }) => shard).toSorted()).toEqual([0, 1, 2]);
    expect(taken.every((task) => task.jobUid === jobUid && task.kind === 'shard')).toBe(true);
    expect(await queue.take('shard', 1)).toEqual([]);
    for (const task of taken) await queue.settle(task);
  });

  test('keeps the kinds apart', async () => {
    const { queue } = open();
    const plan = await takeNew(open(), 'plan');
    expect(await queue.take('merge', 1)).toEqual([]);
    expect(plan.kind).toBe('plan');
    await queue.settle(plan);
  });

  test('a task that is given back comes again, and the ticket from before is worth nothing', async () => {
    const { queue } = open();
    const old = await takeNew(open(), 'plan');
    await queue.giveBack(old);
    const current = pick(await queue.take('plan', 1), 0);
    expect(current.jobUid).toBe(old.jobUid);
    expect(current.ticket).not.toBe(old.ticket);
    await queue.giveBack(old);
    expect(await queue.settle(old)).toBe(false);
    expect(await queue.keep([old, current])).toEqual([old]);
    expect(await queue.keep([current, old])).toEqual([old]);
    expect(await queue.settle(current)).toBe(true);
    expect(await queue.keep([current])).toEqual([current]);
    expect(await queue.settle(current)).toBe(false);
  });

  test('a task that is given back for later is not handed out before', async () => {
    const { queue } = open();
    const task = await takeNew(open(), 'plan');
    await queue.giveBack(task, { afterMs: 600 });
    const before = performance.now();
    expect(await queue.take('plan', 1)).toEqual([]);
    const again = await takeWhenThere(open(), 'plan');
    expect(again.jobUid).toBe(task.jobUid);
    expect(performance.now() - before).toBeGreaterThan(400);
    await queue.settle(again);
  });

  test('tasks added in a transaction are there only if it commits', async () => {
    const { db, queue } = open();
    const jobUid = randomUUID();
    const failure = new Error('changed my mind');
    const rolledBack = db.transaction().execute(async (tx) => {
      await queue.add('merge', [{ jobUid }], { tx });
      throw failure;
    });
    await expect(rolledBack).rejects.toBe(failure);
    expect(await queue.take('merge', 1)).toEqual([]);
    await db.transaction().execute((tx) => queue.add('merge', [{ jobUid }], { tx }));
    const task = pick(await queue.take('merge', 1), 0);
    await expect(
      db.transaction().execute(async (tx) => {
        expect(await queue.settle(task, { tx })).toBe(true);
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(await queue.keep([task])).toEqual([]);
    await queue.settle(task);
  });

  test('a waiter wakes when work is committed, not before and not for other kinds', async () => {
    const { db, queue } = open();
    await emptyOf(open(), 'plan');
    const steps: string[] = [];
    const woken = queue.waitForWork(['plan'], LONG_MS, NEVER).then(() => steps.push('woken'));
    const merge = await takeNew(open(), 'merge');
    await db.transaction().execute(async (tx) => {
      await queue.add('plan', [{ jobUid: randomUUID() }], { tx });
      steps.push('added');
    });
    await woken;
    expect(steps).toEqual(['added', 'woken']);
    await queue.settle(merge);
    await emptyOf(open(), 'plan');
  });

  test('work that came in since the last take is not slept over', async () => {
    const { queue } = open();
    await emptyOf(open(), 'plan');
    await queue.add('plan', [{ jobUid: randomUUID() }, { jobUid: randomUUID() }]);
    await queue.waitForWork(['plan'], LONG_MS, NEVER);
    await queue.settle(pick(await queue.take('plan', 1), 0));
    await queue.waitForWork(['plan'], LONG_MS, NEVER);
    await emptyOf(open(), 'plan');
  });

  test('waiting ends on abort and after its time', async () => {
    const { queue } = open();
    await emptyOf(open(), 'merge');
    const stop = new AbortController();
    const aborted = queue.waitForWork(['merge'], LONG_MS, stop.signal);
    stop.abort();
    await aborted;
    await queue.waitForWork(['merge'], LONG_MS, stop.signal);
    await queue.waitForWork(['merge'], 1, NEVER);
    const patient = new AbortController();
    for (let n = 0; n < 20; n++) await queue.waitForWork(['merge'], 1, patient.signal);
    expect(getEventListeners(patient.signal, 'abort')).toEqual([]);
  });
});

/** Takes everything, so that the next wait is a real one. */
async function emptyOf({ queue }: Store, kind: TaskKind): Promise<void> {
  for (const task of await queue.take(kind, 1_000)) await queue.settle(task);
}

/** Nobody announces that a delay is over: takers ask again from time to time. */
async function takeWhenThere({ queue }: Store, kind: TaskKind): Promise<Task> {
  for (;;) {
    const [task] = await queue.take(kind, 1);
    if (task !== undefined) return task;
    await queue.waitForWork([kind], 50, NEVER);
  }
}
