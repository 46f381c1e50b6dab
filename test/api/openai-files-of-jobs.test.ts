/** What jobs write, as files of OpenAI's dialect. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeRows } from '../support/rows.ts';
import { type Batch, openaiRow, openBatchRoom } from './openai-batch-room.ts';

let room: Awaited<ReturnType<typeof openBatchRoom>>;
beforeAll(async () => {
  room = await openBatchRoom();
});
afterAll(() => room.close());

const client = () => room.clients[7];
/** Two of three rows are answered. */
const INPUT = makeRows(3, (row) => openaiRow(row, row === 1 ? 'refused' : undefined));
const listed = async (purpose: string) => (await client().files.list({ purpose })).data;
const datasetOf = (fileId: string) => `/v1/accounts/acme/datasets/${fileId.replace('file-', '')}`;

describe('the two files of a batch', () => {
  let batch: Batch;
  let answers: string;
  let errors: string;
  /** What other batches wrote. */
  let others: readonly string[];
  beforeEach(async () => {
    others = (await room.door.objectKeys()).filter((key) => key.startsWith('outputs/'));
    const created = await room.createBatch(client(), INPUT, { output_expires_after: { anchor: 'created_at', seconds: 3600 } });
    batch = await room.untilStatus(client(), created, 'completed');
    [answers, errors] = [batch.output_file_id ?? '', batch.error_file_id ?? ''];
  });

  test('are listed with the sizes that their contents have, and say whose they are', async () => {
    expect(errors).toBe(`${answers}.errors`);
    const files = (await listed('batch_output')).filter(({ id }) => id === answers || id === errors);
    expect(files.map(({ filename }) => filename).toSorted()).toEqual([`${batch.id}_error.jsonl`, `${batch.id}_output.jsonl`]);
    for (const file of files) {
      expect(file).toEqual(await client().files.retrieve(file.id));
      expect(file.expires_at).toBe(file.created_at + 3600);
      const content = await (await client().files.content(file.id)).arrayBuffer();
      expect(content.byteLength).toBe(file.bytes);
      const reply = await room.door.ask(`/v1/files/${file.id}/content`, { headers: { range: 'bytes=-10' } });
      expect(Buffer.from(await reply.arrayBuffer())).toEqual(Buffer.from(content).subarray(-10));
    }
    expect((await listed('batch')).map(({ id }) => id)).toContain(batch.input_file_id);
  });

  test.each([
    ['answers', () => [answers, errors] as const],
    ['errors', () => [errors, answers] as const],
  ])('the %s are deleted without the others; the dataset goes with the last', async (_, order) => {
    const [first, second] = order();
    const kept = await (await client().files.content(second)).text();
    const objects = await room.door.objectKeys();
    await client().files.delete(first);
    await expect(client().files.retrieve(first)).rejects.toMatchObject({ status: 404 });
    await expect(client().files.content(first)).rejects.toMatchObject({ status: 404 });
    expect(await (await client().files.content(second)).text()).toBe(kept);
    expect((await room.door.askJson(datasetOf(answers))).status).toBe(200);
    expect((await room.door.objectKeys()).length).toBeLessThan(objects.length);
    await client().files.delete(second);
    expect((await room.door.askJson(datasetOf(answers))).status).toBe(404);
    expect((await room.door.objectKeys()).filter((key) => key.startsWith('outputs/'))).toEqual(others);
  });
});

test('a file is not deleted while a batch reads it, and is when that has ended', async () => {
  const batch = await room.createBatch(
    client(),
    makeRows(1, (row) => openaiRow(row, 'slow')),
  );
  await room.untilStatus(client(), batch, 'in_progress');
  await expect(client().files.delete(batch.input_file_id)).rejects.toMatchObject({ status: 400, code: 'dataset_in_use' });
  await client().batches.cancel(batch.id);
  await room.untilStatus(client(), batch, 'cancelled');
  expect((await client().files.delete(batch.input_file_id)).deleted).toBe(true);
});
