/** Files that come in by parts, and models, through both published clients, unmodified. */
import { createHash } from 'node:crypto';
import OpenAI, { toFile } from 'openai';
import OpenAI6 from 'openai-6';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dropOldUploads } from '../../src/actions/drop-old-uploads.ts';
import { sweepObjects } from '../../src/actions/sweep-objects.ts';
import { openDoor } from './door.ts';
import { openClients } from './openai-clients.ts';

const ROW = '{"custom_id":"a","body":{"messages":[]}}\n';
const NOW = Date.parse('2026-01-05T02:00:00Z') / 1000;
const HOUR_MS = 3_600_000;
const MB = 1024 * 1024;

let door: Awaited<ReturnType<typeof openDoor>>;
let wire: Awaited<ReturnType<typeof openClients>>;
beforeAll(async () => {
  door = await openDoor({ datasetBytes: 80 * MB });
  wire = await openClients(door);
});
afterAll(async () => {
  await wire.close();
  await door.close();
});

const usedBytes = async () => {
  const { body } = await door.askJson('/v1/accounts/acme/quotas/dataset-bytes');
  return Number((body as unknown as { usage: number }).usage);
};

describe.each([7, 6] as const)('client %i', (version) => {
  const own = () => wire.clients[version];
  const errors = version === 7 ? OpenAI : OpenAI6;
  const begin = (bytes: number, more = {}) =>
    own().uploads.create({ filename: 'big.jsonl', bytes, purpose: 'batch', mime_type: 'application/jsonl', ...more });
  const send = async (id: string, text: string) =>
    own().uploads.parts.create(id, { data: await toFile(Buffer.from(text), 'part') });

  test('parts that came at once and in any order are the file in the order that is said', async () => {
    const text = Array.from({ length: 9 }, (_, index) => ROW.replace('"a"', `"${index}"`)).join('');
    const objects = (await door.objectKeys()).length;
    const upload = await begin(text.length, { expires_after: { anchor: 'created_at', seconds: 7200 } });
    expect(upload).toEqual({
      id: expect.stringMatching(/^upload_[a-z][a-z0-9]{23}$/),
      object: 'upload',
      bytes: text.length,
      created_at: NOW,
      expires_at: NOW + 3600,
      filename: 'big.jsonl',
      purpose: 'batch',
      status: 'pending',
      file: null,
    });
    const cuts = [0, 7, 100, 101, text.length]; // In the middle of rows.
    const texts = cuts.slice(1).map((end, index) => text.slice(cuts[index], end));
    const parts = await Promise.all(texts.toReversed().map((piece) => send(upload.id, piece)));
    expect(parts[0]).toEqual({
      id: expect.stringMatching(/^part_[a-z][a-z0-9]{23}$/),
      object: 'upload.part',
      created_at: NOW,
      upload_id: upload.id,
    });
    await send(upload.id, 'sent twice'.slice(0, 5));
    const part_ids = parts.toReversed().map(({ id }) => id);
    const md5 = createHash('md5').update(text).digest('hex');
    const done = await own().uploads.complete(upload.id, { part_ids, md5 });
    expect(done).toEqual({
      ...upload,
      status: 'completed',
      file: {
        id: expect.stringMatching(/^file-/),
        object: 'file',
        bytes: text.length,
        created_at: NOW,
        expires_at: NOW + 7200,
        filename: 'big.jsonl',
        purpose: 'batch',
        status: 'processed',
      },
    });
    expect(await (await own().files.content(done.file?.id ?? '')).text()).toBe(text);
    expect((await door.objectKeys()).length).toBe(objects + 1);
    expect(await own().uploads.complete(upload.id, { part_ids })).toEqual(done);
    await expect(send(upload.id, 'more')).rejects.toMatchObject({ status: 400, code: 'upload_completed' });
    await expect(own().uploads.cancel(upload.id)).rejects.toMatchObject({ status: 400, code: 'upload_completed' });
  });

  test('a cancelled upload takes nothing more and leaves nothing', async () => {
    const [objects, used] = [await door.objectKeys(), await usedBytes()];
    const upload = await begin(10);
    expect(await usedBytes()).toBe(used + 10);
    const { id } = await send(upload.id, '0123456789');
    expect(await own().uploads.cancel(upload.id)).toEqual({ ...upload, status: 'cancelled' });
    expect((await own().uploads.cancel(upload.id)).status).toBe('cancelled');
    expect([await door.objectKeys(), await usedBytes()]).toEqual([objects, used]);
    await expect(send(upload.id, 'more')).rejects.toMatchObject({ status: 400, code: 'upload_cancelled' });
    await expect(own().uploads.complete(upload.id, { part_ids: [id] })).rejects.toBeInstanceOf(errors.BadRequestError);
  });

  test('what does not fit is refused by name, and can be mended', async () => {
    const upload = await begin(2 * ROW.length);
    const [one, other] = [await send(upload.id, ROW), await send(upload.id, ROW)];
    const complete = (part_ids: string[], md5?: string) =>
      own().uploads.complete(upload.id, { part_ids, ...(md5 !== undefined && { md5 }) });
    await expect(complete([one.id])).rejects.toMatchObject({ code: 'upload_size_mismatch', param: 'part_ids' });
    await expect(complete([one.id, one.id])).rejects.toMatchObject({ code: 'part_not_found', param: 'part_ids' });
    await expect(complete([one.id, 'part_x'])).rejects.toMatchObject({ code: 'part_not_found' });
    await expect(complete([])).rejects.toMatchObject({ status: 400, param: 'part_ids' });
    const objects = await door.objectKeys();
    await expect(complete([one.id, other.id], '0'.repeat(32))).rejects.toMatchObject({ code: 'md5_mismatch', param: 'md5' });
    expect(await door.objectKeys()).toEqual(objects);
    expect((await complete([one.id, other.id])).status).toBe('completed');
  });

  test('what can not be begun is refused at once', async () => {
    await expect(begin(80 * MB + 1)).rejects.toMatchObject({ status: 400, code: 'dataset_too_large' });
    await expect(begin(0)).rejects.toMatchObject({ status: 400, param: 'bytes' });
    await expect(begin(1, { purpose: 'poetry' })).rejects.toMatchObject({ status: 400, param: 'purpose' });
    await expect(begin(1, { expires_after: { anchor: 'created_at', seconds: 1 } })).rejects.toMatchObject({
      param: 'expires_after.seconds',
    });
    await expect(send('upload_nothing', 'x')).rejects.toBeInstanceOf(errors.NotFoundError);
  });

  test('an upload is over after an hour, and forgotten with its parts', async () => {
    const objects = await door.objectKeys();
    const upload = await begin(ROW.length);
    const part = await send(upload.id, ROW);
    door.clock.time += HOUR_MS;
    try {
      await expect(send(upload.id, ROW)).rejects.toMatchObject({ status: 400, code: 'upload_expired' });
      await expect(own().uploads.complete(upload.id, { part_ids: [part.id] })).rejects.toMatchObject({ code: 'upload_expired' });
      await expect(own().uploads.cancel(upload.id)).rejects.toMatchObject({ code: 'upload_expired' });
      expect(await dropOldUploads(door.context)).toBeGreaterThan(0);
      await expect(own().uploads.cancel(upload.id)).rejects.toBeInstanceOf(errors.NotFoundError);
      expect((await door.objectKeys()).length).toBe(objects.length);
    } finally {
      door.clock.time -= HOUR_MS;
    }
  });

  test('models are named by the word that requests name them with', async () => {
    const listed: OpenAI.Model[] = [];
    for await (const model of own().models.list()) listed.push(model);
    expect(listed).toEqual([{ id: 'tickets', object: 'model', created: 0, owned_by: 'boatload' }]);
    for (const name of ['tickets', 'accounts/boatload/models/tickets', 'accounts/fireworks/models/tickets'])
      expect(await own().models.retrieve(name)).toEqual(listed[0]);
    const unknown = await own()
      .models.retrieve('asleep')
      .catch((cause: unknown) => cause);
    expect(unknown).toBeInstanceOf(errors.NotFoundError);
    expect(unknown).toMatchObject({ code: 'model_not_found', param: 'model' });
  });
});

test('a part larger than 64 MiB is cut off in the stream', async () => {
  const objects = await door.objectKeys();
  const upload = await wire.clients[7].uploads.create({
    filename: 'x',
    bytes: 70 * MB,
    purpose: 'batch',
    mime_type: 'text/jsonl',
  });
  async function* endless() {
    for (let sent = 0; sent <= 65 * MB; sent += MB) yield Buffer.alloc(MB, 'x');
  }
  const form = new FormData();
  form.set('data', await new Response(ReadableStream.from(endless())).blob(), 'part');
  const encoded = new Response(form);
  const reply = await door.ask(`/v1/uploads/${upload.id}/parts`, {
    body: Buffer.from(await encoded.arrayBuffer()).toString('latin1'),
    headers: { 'content-type': encoded.headers.get('content-type') ?? '' },
  });
  expect(reply.status).toBe(400);
  expect(await reply.json()).toMatchObject({ error: { code: 'part_too_large', param: 'data' } });
  expect(await door.objectKeys()).toEqual(objects);
});

test('of completes and cancels at once one is true, and nothing is left of the others', async () => {
  const client = wire.clients[7].withOptions({ maxRetries: 0 });
  for (const turn of Array(5).keys()) {
    const objects = (await door.objectKeys()).length;
    const upload = await client.uploads.create({ filename: 'x', bytes: ROW.length, purpose: 'batch', mime_type: 'x' });
    const { id } = await client.uploads.parts.create(upload.id, { data: await toFile(Buffer.from(ROW), 'part') });
    const complete = () => client.uploads.complete(upload.id, { part_ids: [id] });
    const ends = await Promise.allSettled([
      complete(),
      complete(),
      ...(turn % 2 ? [client.uploads.cancel(upload.id)] : []),
      complete(),
    ]);
    const statuses = new Set(ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value.status] : [])));
    expect(statuses.size).toBe(1);
    const files = new Set(ends.flatMap((end) => (end.status === 'fulfilled' && end.value.file ? [end.value.file.id] : [])));
    expect(files.size).toBe(statuses.has('completed') ? 1 : 0);
    expect((await door.objectKeys()).length - objects).toBe(files.size);
  }
});

test('neither empty parts nor ever more of the smallest fill the store', async () => {
  const { id } = await wire.clients[7].uploads.create({ filename: 'x', bytes: 1, purpose: 'batch', mime_type: 'x' });
  const send = async (text: string) =>
    wire.clients[7].uploads.parts.create(id, { data: await toFile(Buffer.from(text), 'part') });
  const objects = await door.objectKeys();
  await expect(send('')).rejects.toMatchObject({ status: 400, code: 'part_empty', param: 'data' });
  expect(await door.objectKeys()).toEqual(objects);
  const parts = Array.from({ length: 9_999 }, (_, part) => ({
    ...{ accountId: 'acme', uploadId: id, id: `part_${part}`, objectKey: 'nowhere', bytes: 1 },
    createdAt: door.context.clock.now(),
  }));
  await door.context.store.db.insertInto('uploadPart').values(parts).execute();
  await send('x');
  await expect(send('x')).rejects.toMatchObject({ status: 400, code: 'parts_too_large', param: 'data' });
  expect(await door.objectKeys()).toHaveLength(objects.length + 1);
  await door.context.store.db.deleteFrom('uploadPart').where('objectKey', '=', 'nowhere').execute();
  await wire.clients[7].uploads.cancel(id);
});

test("another account's uploads are unknown", async () => {
  const upload = await wire.clients[7].uploads.create({ filename: 'x', bytes: 1, purpose: 'batch', mime_type: 'x' });
  const bob = wire.clients[7].withOptions({ apiKey: door.keys.bob });
  await expect(bob.uploads.cancel(upload.id)).rejects.toMatchObject({ status: 404, code: 'upload_not_found' });
  await expect(bob.uploads.complete(upload.id, { part_ids: ['x'] })).rejects.toMatchObject({ status: 404 });
});

test('the sweep takes parts that nobody owns, and no others', async () => {
  const upload = await wire.clients[7].uploads.create({ filename: 'x', bytes: 3, purpose: 'batch', mime_type: 'x' });
  await wire.clients[7].uploads.parts.create(upload.id, { data: await toFile(Buffer.from('abc'), 'part') });
  const objects = await door.objectKeys();
  await door.context.objects.put(`uploads/${door.clock.time}-lost`, Buffer.from('x'));
  door.clock.time += 25 * HOUR_MS;
  try {
    expect(await sweepObjects(door.context)).toBe(1);
    expect(await door.objectKeys()).toEqual(objects);
  } finally {
    door.clock.time -= 25 * HOUR_MS;
  }
});
