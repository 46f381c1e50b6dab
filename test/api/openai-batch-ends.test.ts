import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { moveJob } from '../../src/db/queries/move-job.ts';
import { allIds, makeRows } from '../support/rows.ts';
import { type Batch, openaiRow, openBatchRoom, type Row } from './openai-batch-room.ts';

const ROWS = 6;
let room: Awaited<ReturnType<typeof openBatchRoom>>;
beforeAll(async () => {
  room = await openBatchRoom({ concurrency: ROWS, workerLimits: { hopelessMs: 300 } });
});
afterAll(() => room.close());

/** The first two are answered, the third is refused, the rest never come back. */
const someSlow = (tag: string): string =>
  makeRows(ROWS, (row) => openaiRow(row, row < 2 ? `fast ${tag} ${row}` : row === 2 ? `refused ${tag}` : `slow ${tag} ${row}`));

/** Both files of a batch that ended early: what was done is there, the rest says why it isn't. */
async function checkPartial(client: (typeof room.clients)[7], ended: Batch, code: string): Promise<void> {
  expect(ended.request_counts).toEqual({ total: ROWS, completed: 2, failed: 4 });
  const answers = await room.readRows(client, ended.output_file_id);
  const errors = await room.readRows(client, ended.error_file_id);
  const idsOf = (rows: readonly Row[]) => rows.map(({ custom_id }) => custom_id);
  expect([idsOf(answers), idsOf(errors)]).toEqual([allIds(2), allIds(ROWS).slice(2)]);
  expect(errors.map(({ response }) => response?.status_code)).toEqual([400, undefined, undefined, undefined]);
  expect(errors.slice(1).map(({ response, error }) => [response, error?.code])).toEqual([3, 4, 5].map(() => [null, code]));
}

describe.each([7, 6] as const)('a batch of the published client %i that ends early', (version) => {
  const client = () => room.clients[version];

  test('by a cancel while it runs keeps what is done and lists the rest', async () => {
    const batch = await room.createBatch(client(), someSlow(`cancel-${version}`));
    const running = await room.until(
      client(),
      batch,
      ({ request_counts: counts }) => counts?.completed === 2 && counts.failed === 1,
    );
    expect(running).toMatchObject({
      status: 'in_progress',
      request_counts: { total: ROWS },
      output_file_id: null,
      error_file_id: null,
    });
    const cancelling = await client().batches.cancel(batch.id);
    expect(cancelling).toMatchObject({ status: 'cancelling', cancelling_at: expect.any(Number), cancelled_at: null });
    expect(await client().batches.cancel(batch.id)).toMatchObject({ id: batch.id });
    const ended = await room.untilStatus(client(), batch, 'cancelled');
    expect(ended).toMatchObject({ cancelled_at: expect.any(Number), completed_at: null, finalizing_at: null, errors: null });
    await checkPartial(client(), ended, 'batch_cancelled');
    expect((await client().batches.cancel(batch.id)).status).toBe('cancelled');
  });

  test('by its window keeps what is done and lists the rest', async () => {
    const batch = await room.createBatch(client(), someSlow(`expire-${version}`));
    await room.until(client(), batch, ({ request_counts: counts }) => counts?.completed === 2 && counts.failed === 1);
    room.door.clock.time += 24 * 3600 * 1000;
    const ended = await room.untilStatus(client(), batch, 'expired');
    expect(ended).toMatchObject({ expired_at: expect.any(Number), completed_at: null, errors: null });
    await checkPartial(client(), ended, 'batch_expired');
    await expect(client().batches.cancel(batch.id)).rejects.toMatchObject({
      status: 409,
      message: "409 Cannot cancel a batch with status 'expired'.",
    });
  });

  test('can be cancelled while it is paused', async () => {
    const batch = await room.createBatch(client(), someSlow(`pause-${version}`));
    await room.until(client(), batch, ({ request_counts: counts }) => counts?.completed === 2 && counts.failed === 1);
    await room.door.tell(batch.id.slice('batch_'.length), 'pause');
    expect((await client().batches.retrieve(batch.id)).status).toBe('in_progress');
    await client().batches.cancel(batch.id);
    await checkPartial(client(), await room.untilStatus(client(), batch, 'cancelled'), 'batch_cancelled');
  });

  test('because every engine refuses keeps what is done, and says why it failed', async () => {
    const text = makeRows(4, (row) => openaiRow(row, `${row < 2 ? 'fast' : 'forbidden'} ${version} ${row}`));
    const ended = await room.untilStatus(client(), await room.createBatch(client(), text), 'failed');
    expect(ended).toMatchObject({ request_counts: { total: 4, completed: 2, failed: 2 }, failed_at: expect.any(Number) });
    expect(ended.errors?.data).toEqual([
      { code: 'batch_failed', line: null, message: expect.stringContaining('this key was revoked'), param: null },
    ]);
    expect((await room.readRows(client(), ended.output_file_id)).map(({ custom_id }) => custom_id)).toEqual(allIds(2));
    const errors = await room.readRows(client(), ended.error_file_id);
    expect(errors.map(({ custom_id, error }) => [custom_id, error?.code])).toEqual(
      allIds(4)
        .slice(2)
        .map((id) => [id, 'batch_failed']),
    );
  });

  test('can not be cancelled once it is completed or failed', async () => {
    const good = await room.createBatch(
      client(),
      makeRows(1, (row) => openaiRow(row)),
    );
    const bad = await room.createBatch(client(), '{"broken"\n');
    await room.untilStatus(client(), good, 'completed');
    await room.untilStatus(client(), bad, 'failed');
    const refusalOf = (batch: Batch) =>
      client()
        .batches.cancel(batch.id)
        .catch((cause: unknown) => cause);
    expect(await refusalOf(good)).toMatchObject({ status: 409, type: 'invalid_request_error', requestID: expect.any(String) });
    expect(((await refusalOf(bad)) as Error).message).toContain("status 'failed'");
  });
});

describe('while no worker gets to it', () => {
  beforeAll(() => room.door.worker.stop());

  test('a batch that is validating is cancelled at once', async () => {
    const client = room.clients[7];
    const batch = await room.createBatch(
      client,
      makeRows(1, (row) => openaiRow(row)),
    );
    expect(await client.batches.cancel(batch.id)).toMatchObject({
      status: 'cancelled',
      cancelling_at: expect.any(Number),
      cancelled_at: expect.any(Number),
      request_counts: { total: 0, completed: 0, failed: 0 },
      output_file_id: null,
      error_file_id: null,
    });
  });

  test('a batch that is finalizing goes on to its end', async () => {
    const client = room.clients[7];
    const { db } = room.door.context.store;
    const batch = await room.createBatch(
      client,
      makeRows(1, (row) => openaiRow(row)),
    );
    const { uid } = await db
      .selectFrom('job')
      .select('uid')
      .where('id', '=', batch.id.slice('batch_'.length))
      .executeTakeFirstOrThrow();
    await moveJob(db, uid, 'PENDING', { totalRows: 1 });
    expect((await client.batches.retrieve(batch.id)).request_counts).toEqual({ total: 1, completed: 0, failed: 0 });
    await moveJob(db, uid, 'WRITING_RESULTS', { outcome: 'COMPLETED' });
    expect(await client.batches.retrieve(batch.id)).toMatchObject({
      status: 'finalizing',
      finalizing_at: expect.any(Number),
      output_file_id: null,
    });
    expect((await client.batches.cancel(batch.id)).status).toBe('finalizing');
  });

  test('an unknown batch is not found', async () => {
    for (const id of ['batch_none', 'none', 'batch_', 'batch_a%2Fb']) {
      await expect(room.clients[7].batches.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
      await expect(room.clients[7].batches.cancel(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    }
  });
});
