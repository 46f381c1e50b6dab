/** Files of batches that still run, read by the published clients. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { idOf, makeRows, parseLines } from '../support/rows.ts';
import { type Batch, openaiRow, openBatchRoom, type Row } from './openai-batch-room.ts';
import type { Client } from './openai-clients.ts';

let room: Awaited<ReturnType<typeof openBatchRoom>>;
beforeAll(async () => {
  room = await openBatchRoom({ concurrency: 40 });
});
afterAll(() => room.close());

/** Ten rows: two are refused, four are slow. */
const contentOf = (row: number): string | undefined => (row < 2 ? `refused ${row}` : row < 6 ? `slow ${row}` : undefined);
const INPUT = makeRows(10, (row) => openaiRow(row, contentOf(row)));
const ids = (...rows: readonly number[]): readonly string[] => rows.map((row) => idOf(row));

describe.each([7, 6] as const)('the published client %i', (version) => {
  const client = (): Client => room.clients[version];
  const begin = async (): Promise<Batch> => {
    room.engine.isHanging = true;
    const batch = await room.createBatch(client(), INPUT);
    return room.until(client(), batch, ({ request_counts: counts }) => (counts?.completed ?? 0) + (counts?.failed ?? 0) === 6);
  };
  const release = (): void => {
    room.engine.isHanging = false;
    room.door.engine.cutConnections();
  };
  const fileOf = async ({ id }: Batch): Promise<string> => {
    const { response } = await client().batches.retrieve(id).withResponse();
    return response.headers.get('boatload-output-file-id') ?? '';
  };
  const read = async (fileId: string, pageToken?: string) => {
    const reply = await client().files.content(fileId, pageToken === undefined ? {} : { query: { pageToken } });
    return {
      rows: parseLines<Row>(await reply.text()),
      complete: reply.headers.get('boatload-complete'),
      token: reply.headers.get('boatload-next-page-token') ?? undefined,
    };
  };
  const sorted = (rows: readonly Row[]): readonly (string | null)[] => rows.map(({ custom_id }) => custom_id).toSorted();

  test('gets the committed rows in its own shape, and after the end the rest, each row once', async () => {
    const batch = await begin();
    expect(batch).toMatchObject({ status: 'in_progress', output_file_id: null });
    const file = await fileOf(batch);
    const early = await read(file);
    expect([sorted(early.rows), early.complete]).toEqual([ids(6, 7, 8, 9), 'false']);
    expect(early.rows[0]).toMatchObject({
      id: expect.stringMatching(/^batch_req_/),
      response: { status_code: 200 },
      error: null,
    });
    expect((await read(file, early.token)).rows).toEqual([]);
    const errors = await read(`${file}.errors`);
    expect([sorted(errors.rows), errors.rows[0]?.response?.status_code]).toEqual([ids(0, 1), 400]);
    release();
    const ended = await room.untilStatus(client(), batch, 'completed');
    expect(ended.output_file_id).toBe(file);
    const rest = await read(file, early.token);
    expect([sorted(rest.rows), rest.complete, rest.token]).toEqual([ids(2, 3, 4, 5), 'true', undefined]);
    // A row is the same row, whenever it is read.
    const whole = await room.readRows(client(), file);
    expect(new Map([...early.rows, ...rest.rows].map((row) => [row.id, row]))).toEqual(
      new Map(whole.map((row) => [row.id, row])),
    );
    expect((await read(`${file}.errors`, errors.token)).rows).toEqual([]);
  });

  test('finds rows that never ran behind the last errors', async () => {
    const batch = await begin();
    const file = `${await fileOf(batch)}.errors`;
    const early = await read(file);
    await client().batches.cancel(batch.id);
    await room.untilStatus(client(), batch, 'cancelled');
    const rest = await read(file, early.token);
    expect([sorted(rest.rows), rest.rows[0]?.error?.code]).toEqual([ids(2, 3, 4, 5), 'batch_cancelled']);
    release();
  });
});
