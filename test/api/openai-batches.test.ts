import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allIds, makeRows } from '../support/rows.ts';
import { ENDPOINT, openaiRow, openBatchRoom } from './openai-batch-room.ts';

let room: Awaited<ReturnType<typeof openBatchRoom>>;
beforeAll(async () => {
  room = await openBatchRoom();
});
afterAll(() => room.close());

/** What the fields are that every batch has, here before anything is known. */
const NOTHING_YET = {
  object: 'batch',
  endpoint: ENDPOINT,
  errors: null,
  output_file_id: null,
  error_file_id: null,
  in_progress_at: null,
  finalizing_at: null,
  completed_at: null,
  failed_at: null,
  expired_at: null,
  cancelling_at: null,
  cancelled_at: null,
  request_counts: { total: 0, completed: 0, failed: 0 },
  metadata: null,
};

describe.each([7, 6] as const)('a batch of the published client %i', (version) => {
  const client = () => room.clients[version];

  test('asks rows with the same request once where that is wished', async () => {
    const rows = makeRows(6, (row) => openaiRow(row, `twin of ${version}`));
    const created = await room.createBatch(client(), rows, { ask_identical_rows_once: true });
    const ended = await room.untilStatus(client(), created, 'completed');
    expect(ended).toMatchObject({ request_counts: { total: 6, completed: 6, failed: 0 }, usage: { output_tokens: 5 } });
    const answers = await room.readRows(client(), ended.output_file_id);
    expect(answers.map(({ custom_id }) => custom_id)).toEqual(allIds(6));
  });

  test('runs from its file to its answers', async () => {
    const created = await room.createBatch(
      client(),
      makeRows(3, (row) => openaiRow(row)),
      { metadata: { run: 'nightly', for: 'ä' } },
    );
    const now = Math.floor(room.door.clock.time / 1000);
    const known = { id: created.id, input_file_id: created.input_file_id, completion_window: '24h' };
    expect(created).toEqual({
      ...NOTHING_YET,
      ...known,
      model: null,
      status: 'validating',
      created_at: now,
      expires_at: now + 86_400,
      usage: expect.objectContaining({ total_tokens: 0 }),
      metadata: { run: 'nightly', for: 'ä' },
    });
    const ended = await room.untilStatus(client(), created, 'completed');
    expect(ended).toMatchObject({
      ...known,
      errors: null,
      request_counts: { total: 3, completed: 3, failed: 0 },
      error_file_id: null,
      in_progress_at: expect.any(Number),
      finalizing_at: expect.any(Number),
      completed_at: expect.any(Number),
      failed_at: null,
      expired_at: null,
      cancelled_at: null,
      metadata: { run: 'nightly', for: 'ä' },
    });
    const usage = ended.usage;
    expect(usage?.input_tokens).toBeGreaterThan(0);
    expect(usage?.total_tokens).toBe((usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0));
    const rows = await room.readRows(client(), ended.output_file_id);
    expect(rows.map(({ custom_id }) => custom_id)).toEqual(allIds(3));
    expect(rows[2]).toMatchObject({
      id: expect.stringMatching(/^batch_req_[0-9a-f]{24}$/),
      response: { status_code: 200, request_id: expect.stringMatching(/^req_[0-9a-f]{24}$/) },
      error: null,
    });
    expect(rows.map(({ response }) => response?.body.choices?.[0]?.message.content)).toEqual(
      allIds(3).map((id) => expect.stringContaining(id)),
    );
  });

  test('puts refused rows into the error file, each row in one of the two files, in order', async () => {
    const text = makeRows(6, (row) => openaiRow(row, row % 2 === 0 ? undefined : `refused ${row}`));
    const ended = await room.untilStatus(client(), await room.createBatch(client(), text), 'completed');
    expect(ended.request_counts).toEqual({ total: 6, completed: 3, failed: 3 });
    const [answers, errors] = [
      await room.readRows(client(), ended.output_file_id),
      await room.readRows(client(), ended.error_file_id),
    ];
    const [even, odd] = [0, 1].map((rest) => allIds(6).filter((_, row) => row % 2 === rest));
    expect([answers, errors].map((rows) => rows.map(({ custom_id }) => custom_id))).toEqual([even, odd]);
    expect(errors[0]).toMatchObject({
      response: { status_code: 400, body: { error: { message: 'no such thing', type: 'invalid_request_error', param: null } } },
      error: null,
    });
    expect(new Set([...answers, ...errors].map(({ id }) => id)).size).toBe(6);
  });

  test('has no output file when every row failed', async () => {
    const text = makeRows(2, (row) => openaiRow(row, `refused all ${row}`));
    const ended = await room.untilStatus(client(), await room.createBatch(client(), text), 'completed');
    expect(ended).toMatchObject({ output_file_id: null, request_counts: { total: 2, completed: 0, failed: 2 } });
    expect((await room.readRows(client(), ended.error_file_id)).map(({ custom_id }) => custom_id)).toEqual(allIds(2));
  });

  test('fails for its lines, and says all of them', async () => {
    const good = JSON.stringify(openaiRow(0));
    const lines = [good, '{"custom_id": "a"', good, JSON.stringify({ ...openaiRow(3), url: '/v1/embeddings' })];
    const ended = await room.untilStatus(client(), await room.createBatch(client(), lines.join('\n')), 'failed');
    expect(ended).toMatchObject({
      request_counts: { total: 0, completed: 0, failed: 0 },
      output_file_id: null,
      error_file_id: null,
      failed_at: expect.any(Number),
    });
    expect(ended.errors?.object).toBe('list');
    expect(ended.errors?.data?.map(({ code, line, param }) => [code, line, param])).toEqual([
      ['invalid_json_line', 2, null],
      ['duplicate_custom_id', 3, 'custom_id'],
      ['url_mismatch', 4, 'url'],
    ]);
    expect(ended.errors?.data?.[1]?.message).toContain('row-00000');
  });

  test('is listed, newest first, page by page', async () => {
    const made: string[] = [];
    const text = makeRows(1, (row) => openaiRow(row));
    for (let count = 0; count < 3; count += 1) {
      room.door.clock.time += 1_000;
      made.unshift((await room.createBatch(client(), text)).id);
    }
    const listed: string[] = [];
    for await (const { id } of client().batches.list({ limit: 2 })) listed.push(id);
    expect(listed.slice(0, 3)).toEqual(made);
    expect(new Set(listed).size).toBe(listed.length);
    const page = await client().batches.list({ limit: 2, after: made[0] ?? '' });
    expect(page.data.map(({ id }) => id)).toEqual(made.slice(1));
    expect(page.has_more).toBe(true);
  });
});
