import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cancelJob } from '../../src/actions/cancel-job.ts';
import { pauseJob, resumeJob } from '../../src/actions/pause-job.ts';
import { Problem } from '../../src/base/problem.ts';
import type { Job } from '../../src/jobs/job.ts';
import { allIds, contentOf, idOf, makeRow, makeRows } from '../support/rows.ts';
import { type House, openHouse, openRoom, type Room } from './room.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

/** Rows that have an outcome are in the output once, in the order of the input; the counts say the same. */
async function expectAllAddsUp(room: Room, job: Job): Promise<void> {
  const { answers, failures } = await room.output(job);
  const { ok, failed, inputTokens, outputTokens, cachedTokens, bytes } = await room.progress(job);
  expect({ answers: answers.length, failures: failures.length }).toEqual({ answers: ok, failures: failed });
  const ids = answers.map(({ custom_id }) => custom_id);
  expect(ids).toEqual([...new Set(ids)].toSorted());
  // Our engine counts 10, 5 and 4 for every answer.
  expect({ inputTokens, outputTokens, cachedTokens }).toEqual({
    inputTokens: 10 * ok,
    outputTokens: 5 * ok,
    cachedTokens: 4 * ok,
  });
  const lines = [...answers, ...failures].map((line) => JSON.stringify(line).length + 1);
  expect(bytes).toBe(lines.reduce((sum, length) => sum + length, 0));
}

describe('a job', () => {
  test('runs through many shards to its output', async () => {
    const room = await openRoom(house);
    const job = await room.createJob(makeRows(420));
    await room.startWorker();
    expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED', statusCode: 'OK', totalRows: 420, inputRows: 420 });
    expect((await room.output(job)).answers.map(contentOf)).toEqual(allIds(420));
    await expectAllAddsUp(room, job);
    expect([...room.engine.calls.values()].every(({ asked }) => asked === 1)).toBe(true);
    expect(room.troubles).toEqual([]);
    await room.untilObjects('jobs/', (keys) => keys.length === 1 && keys[0]?.endsWith('/plan') === true);
  });

  test('leaves nothing for ever of a merge that was killed', async () => {
    const room = await openRoom(house);
    const scratch = join(house.dir, room.caller.accountId, 'scratch');
    mkdirSync(join(scratch, 'a-job'), { recursive: true });
    writeFileSync(join(scratch, 'a-job/bucket-0'), 'rows');
    await room.startWorker();
    expect(readdirSync(scratch)).toEqual([]);
  });

  test('that is cancelled keeps what is finished', async () => {
    const room = await openRoom(house, { engine: { latency: [10, 30] } });
    const job = await room.createJob(makeRows(2_000));
    await room.startWorker();
    await room.until(job, (_, { ok }) => ok >= 100);
    await cancelJob(room.context, room.caller, job.id);
    const end = await room.untilEnd(job);
    expect(end).toMatchObject({ state: 'CANCELLED', statusCode: 'CANCELLED' });
    const { ok } = await room.progress(job);
    expect(ok).toBeGreaterThanOrEqual(100);
    expect(ok).toBeLessThan(2_000);
    await expectAllAddsUp(room, job);
    const { requests } = room.engine.stats;
    expect(requests - ok, 'no more than the rows in flight were asked in vain').toBeLessThanOrEqual(8);
  });

  test('whose engine can not be opened at first goes on when it can', async () => {
    let tries = 0;
    const onServe = (): void => {
      tries += 1;
      if (tries < 3) throw new Problem('UNAVAILABLE', 'The engine is not there yet.', { reason: 'ENGINE_UNREACHABLE' });
    };
    const room = await openRoom(house, { onServe });
    const job = await room.createJob(makeRows(400));
    await room.startWorker();
    const began = performance.now();
    expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED' });
    // Twice ten seconds in which its shards are left alone, and no longer.
    expect(performance.now() - began).toBeLessThan(30_000);
    // Later ones are shards that come when all earlier ones are done.
    expect(tries).toBeGreaterThanOrEqual(3);
    await expectAllAddsUp(room, job);
  });

  test('that is paused and resumed at once goes on', async () => {
    const room = await openRoom(house, { engine: { latency: [20, 40] } });
    const job = await room.createJob(makeRows(1_000));
    await room.startWorker();
    await room.until(job, (_, { ok }) => ok >= 50);
    await pauseJob(room.context, room.caller, job.id);
    await delay(1_200);
    await resumeJob(room.context, room.caller, job.id);
    expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED' });
    await expectAllAddsUp(room, job);
  });

  test('that runs out of time keeps what is finished', async () => {
    const room = await openRoom(house, { engine: { latency: [10, 30] } });
    const job = await room.createJob(makeRows(2_000));
    await room.startWorker();
    await room.until(job, (_, { ok }) => ok >= 100);
    room.clock.nowMs += 25 * 3_600_000;
    expect(await room.untilEnd(job)).toMatchObject({
      state: 'EXPIRED',
      statusCode: 'DEADLINE_EXCEEDED',
      statusMessage: expect.stringContaining('rows that were finished are kept'),
    });
    expect((await room.progress(job)).ok).toBeGreaterThanOrEqual(100);
    await expectAllAddsUp(room, job);
  });

  test('that reaches the limit of its output keeps what is finished', async () => {
    const room = await openRoom(house, { engine: { latency: [5, 15] }, limits: { outputBytes: 30_000 } });
    const job = await room.createJob(makeRows(2_000));
    await room.startWorker();
    expect(await room.untilEnd(job)).toMatchObject({
      state: 'EXPIRED',
      statusCode: 'RESOURCE_EXHAUSTED',
      statusMessage: expect.stringContaining('30000 bytes'),
    });
    expect((await room.progress(job)).bytes).toBeGreaterThanOrEqual(30_000);
    await expectAllAddsUp(room, job);
  });

  test('fails in a sentence when every engine refuses our key, with what was finished before', async () => {
    const refusal = { status: 401, body: JSON.stringify({ error: { message: 'This key was revoked.' } }) };
    const room = await openRoom(house, {
      engine: { script: ({ count }) => (count > 120 ? refusal : undefined) },
      limits: { hopelessMs: 300 },
    });
    const job = await room.createJob(makeRows(1_000));
    await room.startWorker();
    expect(await room.untilEnd(job)).toMatchObject({
      state: 'FAILED',
      statusMessage: expect.stringContaining('This key was revoked.'),
    });
    expect(await room.progress(job)).toMatchObject({ ok: 120, failed: 0 });
    await expectAllAddsUp(room, job);
  });

  test('survives a key that is refused for a moment', async () => {
    const room = await openRoom(house, {
      engine: { script: ({ count }) => (count > 40 && count <= 52 ? { status: 401 } : undefined) },
    });
    const job = await room.createJob(makeRows(100));
    await room.startWorker();
    expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED' });
    expect(await room.progress(job)).toMatchObject({ ok: 100, failed: 0 });
  });

  test('asks a row once whose answer is too large to be kept', async () => {
    const content = ({ marker }: { readonly marker: string }) => (marker === idOf(3) ? 'x'.repeat(20_000) : marker);
    const room = await openRoom(house, { engine: { content }, maxBodyBytes: 10_000 });
    const job = await room.createJob(makeRows(10));
    await room.startWorker();
    expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED' });
    const { answers, failures } = await room.output(job);
    expect(answers).toHaveLength(9);
    expect(failures).toEqual([{ custom_id: idOf(3), error: expect.objectContaining({ type: 'too-large' }) }]);
    expect(room.engine.calls.get(idOf(3))?.asked).toBe(1);
  });

  test('gives up a row that never gets a good answer, and no other', async () => {
    const faults = ['broken-json', { status: 500, body: '{"error":{"message":"I am tired."}}' }, { status: 422 }] as const;
    const room = await openRoom(house, {
      engine: { script: ({ marker }) => faults[Number(marker.slice(-5)) - 3] },
      limits: { attempts: 2 },
    });
    const job = await room.createJob(makeRows(8));
    await room.startWorker();
    expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED' });
    const { answers, failures } = await room.output(job);
    expect(answers.map(({ custom_id }) => custom_id)).toEqual([0, 1, 2, 6, 7].map(idOf));
    expect(failures).toMatchObject([
      { custom_id: idOf(3), error: { code: 502, message: expect.stringContaining('not a JSON object'), type: 'broken-answer' } },
      { custom_id: idOf(4), error: { code: 500, message: 'I am tired.' } },
      { custom_id: idOf(5), error: { code: 422 } },
    ]);
    expect([3, 4, 5].map((row) => room.engine.calls.get(idOf(row))?.asked)).toEqual([2, 2, 1]);
    await expectAllAddsUp(room, job);
  });

  test('that was killed between its end and the removal of its parts is tidied up', async () => {
    const room = await openRoom(house);
    const job = await room.createJob(makeRows(10));
    const worker = await room.startWorker();
    await room.untilEnd(job);
    await worker.stop();
    await room.context.objects.put(`jobs/${job.uid}/parts/left`, Buffer.from('left'));
    await house.store.queue.add('merge', [{ jobUid: job.uid }]);
    await room.startWorker();
    await room.untilObjects(`jobs/${job.uid}/parts/`, (keys) => keys.length === 0);
    expect((await room.output(job)).answers).toHaveLength(10);
  });

  test('with bad lines fails with a report, and runs nothing', async () => {
    const room = await openRoom(house);
    const job = await room.createJob(`${makeRows(2)}nonsense\n{"custom_id":5}\n`);
    await room.startWorker();
    const end = await room.untilEnd(job);
    expect(end).toMatchObject({ state: 'FAILED', statusCode: 'INVALID_ARGUMENT', planKey: null });
    expect(end.statusMessage).toMatch(
      /^Dataset has a syntax error: chat dataset validation failed on in\.jsonl:3: .*\(and 1 more bad line\)$/,
    );
    const report = JSON.parse((await room.context.objects.read(end.reportKey ?? '')).toString());
    expect(report).toMatchObject({ file: 'in.jsonl', count: 2, badLines: [{ line: 3 }, { line: 4 }] });
    expect(room.engine.stats.requests).toBe(0);
    expect(await room.output(job)).toEqual({ answers: [], failures: [] });
  });

  test('does not keep another one from going on', async () => {
    const room = await openRoom(house, { limit: 4 });
    const toRow = (name: string) => (row: number) => ({
      ...makeRow(row),
      body: { messages: [{ role: 'user', content: `[[${name} ${row}]]` }] },
    });
    const jobs = [await room.createJob(makeRows(600, toRow('one'))), await room.createJob(makeRows(600, toRow('two')))];
    await room.startWorker();
    const answeredOf = (name: string) =>
      [...room.engine.calls].filter(([marker, { answered }]) => marker.startsWith(name) && answered > 0).length;
    await room.engine.until(() => answeredOf('one') === 600 || answeredOf('two') === 600);
    expect(Math.min(answeredOf('one'), answeredOf('two'))).toBeGreaterThan(300);
    for (const job of jobs) expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED' });
  });
});

describe('a worker', () => {
  test('that stops lets rows in flight finish, and gives its shards to the next', async () => {
    const room = await openRoom(house, { engine: { latency: [20, 200] }, limit: 16 });
    const job = await room.createJob(makeRows(400));
    const worker = await room.startWorker();
    const answered = () => [...room.engine.calls.values()].filter((call) => call.answered > 0).length;
    await room.engine.until(() => answered() >= 100);
    await worker.stop();
    expect(room.engine.stats.working).toBe(0);
    expect(await room.progress(job)).toMatchObject({ ok: answered(), failed: 0 });
    const stoppedAt = performance.now();
    await room.startWorker();
    await room.engine.until(() => answered() >= 200);
    // It did not have to wait for the ten seconds after which a dead worker's shards are free.
    expect(performance.now() - stoppedAt).toBeLessThan(8_000);
    expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED' });
    expect([...room.engine.calls.values()].every(({ asked }) => asked === 1)).toBe(true);
    await expectAllAddsUp(room, job);
  });

  test('that stops does not wait for an engine that never answers', async () => {
    const room = await openRoom(house, { engine: { script: () => 'hang' }, limits: { drainMs: 200 } });
    const job = await room.createJob(makeRows(100));
    const worker = await room.startWorker();
    await room.engine.until(() => room.engine.stats.working === 8);
    const askedAt = performance.now();
    await worker.stop();
    expect(performance.now() - askedAt).toBeLessThan(5_000);
    expect(await room.progress(job)).toMatchObject({ ok: 0, failed: 0 });
  });

  test('whose shard somebody else has taken commits nothing more of it, and no row is there twice', async () => {
    const room = await openRoom(house, { engine: { latency: [50, 100] } });
    const job = await room.createJob(makeRows(100));
    await room.startWorker();
    await room.engine.until(() => room.engine.stats.requests >= 20);
    await sql`update shard set epoch = epoch + 1 where job_uid = ${job.uid}`.execute(house.store.db);
    const refusedWith = room.engine.stats.requests;
    expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED' });
    expect((await room.output(job)).answers.map(contentOf)).toEqual(allIds(100));
    await expectAllAddsUp(room, job);
    expect(room.engine.stats.requests).toBeGreaterThanOrEqual(100 + refusedWith - 8);
    const { rows } = await sql<{ epoch: number }>`select distinct epoch from part where job_uid = ${job.uid}`.execute(
      house.store.db,
    );
    expect(rows.every(({ epoch }) => epoch >= 3)).toBe(true);
  });

  test('that can store nothing more says so, keeps its rows on disk, and can be stopped', async () => {
    const disk = { isFull: true };
    const full = new Problem('RESOURCE_EXHAUSTED', 'The disk is full.', { reason: 'DISK_FULL' });
    const room = await openRoom(house, {
      // More than the journal takes before it asks for a pause.
      engine: { content: ({ marker }) => marker + 'x'.repeat(1_000_000) },
      limits: { drainMs: 300 },
      objects: (objects) =>
        new Proxy(objects, {
          get: (target, name: keyof typeof objects) =>
            name === 'put' && disk.isFull ? async () => Promise.reject(full) : target[name]?.bind(target),
        }),
    });
    const job = await room.createJob(makeRows(60));
    const worker = await room.startWorker();
    await room.engine.until(() => room.engine.stats.requests >= 35);
    await worker.stop();
    expect(room.troubles).toContain(full);
    expect(await room.progress(job)).toMatchObject({ ok: 0 });
    disk.isFull = false;
    await room.startWorker();
    expect(await room.untilEnd(job)).toMatchObject({ state: 'COMPLETED' });
    const again = [...room.engine.calls.values()].filter(({ asked }) => asked > 1).length;
    expect(again, 'what was in the journal is not asked again').toBeLessThanOrEqual(8);
    await expectAllAddsUp(room, job);
  });
});
