/** A create that is sent again is done once: by the caller's own key, and on routes that say so, without one. */
import { sql } from 'kysely';
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueKey } from '../../src/actions/issue-key.ts';
import { deleteExpiredReplies } from '../../src/db/queries/delete-expired-replies.ts';
import { type Asked, openDoor } from './door.ts';

let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
  await door.makeDataset('in');
});
afterAll(() => door.close());

const JOBS = '/v1/accounts/acme/batchInferenceJobs';
const JOB = { model: 'accounts/boatload/models/tickets', inputDatasetId: 'in' };
const HOUR_MS = 3_600_000;

const send = async (path: string, word: string | undefined, asked: Asked = {}) => {
  const reply = await door.ask(path, { body: JOB, ...asked, headers: { ...(word && { 'idempotency-key': word }) } });
  const text = await reply.text();
  const { code, details, name } = JSON.parse(text);
  const replayed = reply.headers.get('idempotent-replayed');
  return { status: reply.status, text, code, reason: details?.[0]?.reason, name, replayed, headers: reply.headers };
};
const countJobs = async () => (await door.askJson(JOBS)).body.totalSize;

test('the same request with the same key gets the first reply again, for 24 hours', async () => {
  const before = await countJobs();
  const first = await send(JOBS, 'day');
  expect([first.status, first.replayed]).toEqual([200, null]);
  door.clock.time += 24 * HOUR_MS - 1;
  const again = await send(JOBS, 'day');
  expect(again).toMatchObject({ status: 200, text: first.text, replayed: 'true' });
  expect(again.headers.get('content-type')).toBe('application/json');
  expect(await countJobs()).toBe(before + 1);
  door.clock.time += 1;
  const later = await send(JOBS, 'day');
  expect(later.name).not.toBe(first.name);
  expect(later.replayed).toBeNull();
});

test.each<[string, string, Asked]>([
  ['body', JOBS, { body: { ...JOB, displayName: 'other' } }],
  ['bytes of the body', JOBS, { body: ` ${JSON.stringify(JOB)}` }],
  ['query', `${JOBS}?batchInferenceJobId=other`, {}],
  ['path', '/v1/accounts/acme/datasets', { body: { datasetId: 'other' } }],
])('the same key with another %s is refused, and clients are told not to try again', async (_, path, asked) => {
  await send(JOBS, 'taken');
  const before = await countJobs();
  const refused = await send(path, 'taken', asked);
  expect(refused).toMatchObject({ status: 409, code: 6, reason: 'IDEMPOTENCY_KEY_REUSED', replayed: null });
  expect(refused.headers.get('x-should-retry')).toBe('false');
  expect(await countJobs()).toBe(before);
});

test('of twenty at once with one key one is done; the others are told to come back, and then get its reply', async () => {
  const before = await countJobs();
  const replies = await Promise.all(Array.from({ length: 20 }, () => send(JOBS, 'race')));
  const done = replies.filter(({ status }) => status === 200);
  expect(new Set(done.map(({ text }) => text)).size).toBe(1);
  expect(done.filter(({ replayed }) => replayed === null).length).toBe(1);
  for (const { status, reason, headers } of replies.filter((reply) => reply.status !== 200))
    expect([status, reason, headers.get('retry-after')]).toEqual([409, 'IDEMPOTENCY_KEY_IN_PROGRESS', '1']);
  expect(await send(JOBS, 'race')).toMatchObject({ text: done[0]?.text, replayed: 'true' });
  expect(await countJobs()).toBe(before + 1);
});

test('a refusal is not kept: what was missing can come, and the same key works', async () => {
  const body = { ...JOB, inputDatasetId: 'late' };
  expect((await send(JOBS, 'refused', { body })).status).toBe(404);
  await door.makeDataset('late');
  expect(await send(JOBS, 'refused', { body })).toMatchObject({ status: 200, replayed: null });
  expect(await send(JOBS, 'refused', { body })).toMatchObject({ status: 200, replayed: 'true' });
});

test("a key is good for the API key that sent it: other people's words are their own", async () => {
  const mine = await send('/v1/accounts/-/datasets', 'shared', { body: { datasetId: 'shared' } });
  const theirs = await send('/v1/accounts/-/datasets', 'shared', { body: { datasetId: 'shared' }, key: door.keys.bob });
  expect([mine.name, theirs.name]).toEqual(['accounts/acme/datasets/shared', 'accounts/bob/datasets/shared']);
});

test.each(['', 'ü', 'x'.repeat(256)])('a key of %j is refused', async (word) => {
  const bytes = Buffer.from(word).toString('latin1'); // As a header carries it.
  const reply = await door.ask(JOBS, { body: JOB, headers: { 'idempotency-key': bytes } });
  expect([reply.status, await reply.text()]).toEqual([400, expect.stringContaining('IDEMPOTENCY_KEY_INVALID')]);
});

test('users, datasets and splits are made once too', async () => {
  const lines = Array.from({ length: 400 }, (_, index) => `{"custom_id":"${index}","body":{"messages":[]}}\n`).join('');
  await door.makeDataset('long', lines);
  const creates: readonly [string, object][] = [
    ['/v1/accounts/acme/users?userId=once', {}],
    ['/v1/accounts/acme/datasets', { datasetId: 'once' }],
    ['/v1/accounts/acme/datasets/long:splitDataset', { chunkSize: 200 }],
    [
      '/v1/accounts/acme/models',
      { modelId: 'once', model: { kind: 'HF_BASE_MODEL', baseModelDetails: { checkpointFormat: 'HUGGINGFACE', worldSize: 1 } } },
    ],
  ];
  for (const [path, body] of creates) {
    const first = await send(path, `once ${path}`, { body });
    expect(first, path).toMatchObject({ status: 200, replayed: null });
    expect(await send(path, `once ${path}`, { body }), path).toMatchObject({ status: 200, text: first.text, replayed: 'true' });
  }
});

test('a secret is in the first reply and nowhere else, the database included', async () => {
  const path = '/v1/accounts/acme/users/me/apiKeys';
  const first = JSON.parse((await send(path, 'secret', { body: {} })).text);
  expect(first.key).toMatch(/^bl_/);
  const again = await send(path, 'secret', { body: {} });
  expect(again.replayed).toBe('true');
  expect(JSON.parse(again.text)).toEqual({ ...first, key: '' });
  const kept = await door.context.store.db.selectFrom('keptReply').select('body').execute();
  expect(kept.length).toBeGreaterThan(0);
  expect(JSON.stringify(kept)).not.toContain(first.key);
});

/** What a process leaves behind that dies before it can note its reply. */
const forgetReply = (word: string) =>
  door.context.store.db.updateTable('keptReply').set({ status: null, body: null }).where('key', '=', `key:${word}`).execute();

test('a request whose server died is not done again by itself, and its sender is told', async () => {
  const [path, body] = ['/v1/accounts/acme/datasets', { datasetId: 'died', dataset: { userUploaded: {} } }];
  const begun = door.clock.now();
  expect(await send(path, 'died', { body })).toMatchObject({ status: 200 });
  await forgetReply('died');
  expect(await send(path, 'died', { body })).toMatchObject({ status: 409, reason: 'IDEMPOTENCY_KEY_IN_PROGRESS' });
  door.clock.time += 10 * 60_000;
  const told = await send(path, 'died', { body });
  expect(told).toMatchObject({ status: 409, reason: 'IDEMPOTENCY_KEY_OUTCOME_UNKNOWN' });
  expect(told.text).toContain(begun.toISOString());
  expect(told.headers.get('x-should-retry')).toBe('false');
});

test('a job whose server died while it made it is made once: a later try finds it', async () => {
  const { name } = await send(JOBS, 'made');
  const before = await countJobs();
  await forgetReply('made');
  expect(await send(JOBS, 'made')).toMatchObject({ status: 409, reason: 'IDEMPOTENCY_KEY_IN_PROGRESS' });
  door.clock.time += 2_000;
  expect(await send(JOBS, 'made')).toMatchObject({ status: 200, name, replayed: null });
  expect(await send(JOBS, 'made')).toMatchObject({ status: 200, name, replayed: 'true' });
  expect(await countJobs()).toBe(before);
});

test('so is one that its caller gave a name, and another of that name is refused as ever', async () => {
  const path = `${JOBS}?batchInferenceJobId=named`;
  const { name } = await send(path, 'named');
  await forgetReply('named');
  door.clock.time += 2_000;
  expect(await send(path, 'named')).toMatchObject({ status: 200, name });
  expect(await send(path, 'another word')).toMatchObject({ status: 409, reason: 'JOB_EXISTS' });
});

test('a job whose server died before it made it is made by a later try, and by one of several', async () => {
  const { name } = await send(JOBS, 'unmade');
  await forgetReply('unmade');
  await door.context.store.db.deleteFrom('job').where('id', '=', name.split('/').at(-1)).execute();
  const before = await countJobs();
  door.clock.time += 2_000;
  const tries = await Promise.all([1, 2, 3].map(() => send(JOBS, 'unmade')));
  expect(tries.map((one) => [one.status, one.name])).toEqual(tries.map(() => [200, tries[0]?.name]));
  expect(await countJobs()).toBe(before + 1);
});

test('a job whose server failed after it was made is made once: a later try finds it', async () => {
  const before = await countJobs();
  const { db } = door.context.store;
  // The job is committed, and what its reply needs can't be read.
  await sql`alter table part rename to part_away`.execute(db);
  const failed = await send(JOBS, 'failed').finally(() => sql`alter table part_away rename to part`.execute(db));
  expect(failed).toMatchObject({ status: 500, reason: 'INTERNAL' });
  expect(await countJobs()).toBe(before + 1);
  door.clock.time += 2_000;
  expect(await send(JOBS, 'failed')).toMatchObject({ status: 200, replayed: null });
  expect(await countJobs()).toBe(before + 1);
});

test('a batch without a key is found by an equal request, too', async () => {
  const body = { input_file_id: 'file-in', endpoint: '/v1/chat/completions', completion_window: '24h' };
  const { id } = JSON.parse((await send('/v1/batches', undefined, { body })).text);
  await door.context.store.db.updateTable('keptReply').set({ status: null, body: null }).where('key', 'like', 'same:%').execute();
  const before = await countJobs();
  door.clock.time += 2_000;
  expect(JSON.parse((await send('/v1/batches', undefined, { body })).text).id).toBe(id);
  expect(await countJobs()).toBe(before);
});

test('old replies are forgotten', async () => {
  await send(JOBS, 'old');
  const { db } = door.context.store;
  const words = async () => (await db.selectFrom('keptReply').select('key').execute()).map(({ key }) => key);
  await deleteExpiredReplies(db, new Date(door.clock.time + 24 * HOUR_MS - 1));
  expect(await words()).toContain('key:old');
  await deleteExpiredReplies(db, new Date(door.clock.time + 24 * HOUR_MS));
  expect(await words()).toEqual([]);
});

test('the document says where keys are taken', async () => {
  // biome-ignore lint/suspicious/noExplicitAny: a document
  const document = (await (await door.ask('/openapi.json')).json()) as any;
  const create = document.paths['/v1/accounts/{account_id}/batchInferenceJobs'].post;
  expect(create.parameters).toContainEqual(expect.objectContaining({ name: 'idempotency-key', in: 'header' }));
});

const BATCH = { input_file_id: 'file-in', endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
const countBatches = async () =>
  (await door.context.store.db.selectFrom('job').select('uid').where('endpoint', 'is not', null).execute()).length;
const sendBatch = async (asked: Asked = {}) => {
  const reply = await door.ask('/v1/batches', { body: BATCH, ...asked });
  return { status: reply.status, replayed: reply.headers.get('idempotent-replayed'), text: await reply.text() };
};

test('twenty identical creates of a batch at once, without a key, make one', async () => {
  const before = await countBatches();
  const replies = await Promise.all(Array.from({ length: 20 }, () => sendBatch()));
  expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
  expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
  expect(replies.filter(({ replayed }) => replayed !== 'true').length).toBe(1);
  expect(await countBatches()).toBe(before + 1);
});

test('they are the same for 10 seconds, for one API key, and when no byte differs; a key of its own makes another', async () => {
  door.clock.time += 60_000;
  const first = await sendBatch();
  expect(first.replayed).toBeNull();
  door.clock.time += 9_999;
  expect((await sendBatch()).text).toBe(first.text);
  for (const asked of [
    { body: { ...BATCH, metadata: { run: '2' } } },
    { headers: { 'idempotency-key': 'mine' } },
    { key: (await issueKey(door.context, { accountId: 'acme', displayName: 'second', role: 'admin' })).key },
  ]) {
    const other = await sendBatch(asked);
    expect([other.status, other.replayed]).toEqual([200, null]);
    expect(JSON.parse(other.text).id).not.toBe(JSON.parse(first.text).id);
  }
  door.clock.time += 1;
  expect(JSON.parse((await sendBatch()).text).id).not.toBe(JSON.parse(first.text).id);
});

test('a refused create is no first one: all that waited for it are refused, each for itself', async () => {
  const body = { ...BATCH, input_file_id: 'file-nothing' };
  const replies = await Promise.all(Array.from({ length: 5 }, () => sendBatch({ body })));
  expect(replies.map(({ status, replayed }) => [status, replayed])).toEqual(Array.from({ length: 5 }, () => [404, null]));
});

test.each([
  ['7.x', OpenAI],
  ['6.x', OpenAI6],
])('the published client %s, whose connection breaks after the server has acted, makes one batch', async (_, Client) => {
  door.clock.time += 60_000;
  const before = await countBatches();
  let calls = 0;
  const fetch = async (url: string | URL | Request, init?: RequestInit) => {
    const reply = await door.app.request(String(url), init);
    calls += 1;
    if (calls === 1) throw new TypeError('socket closed');
    return reply;
  };
  const client = new Client({ apiKey: door.keys.acme, baseURL: 'http://boatload.test/v1', fetch });
  const batch = await client.batches.create(BATCH);
  expect(calls).toBe(2);
  expect(batch.id).toMatch(/^batch_/);
  expect(await countBatches()).toBe(before + 1);
});

test("a key that is used for another batch is refused in OpenAI's words, and the client does not ask again", async () => {
  let calls = 0;
  const fetch = (url: string | URL | Request, init?: RequestInit) => {
    calls += 1;
    return Promise.resolve(door.app.request(String(url), init));
  };
  const client = new OpenAI({ apiKey: door.keys.acme, baseURL: 'http://boatload.test/v1', fetch });
  const options = { headers: { 'idempotency-key': 'batch' } };
  await client.batches.create(BATCH, options);
  const refused = client.batches.create({ ...BATCH, metadata: { other: '1' } }, options);
  await expect(refused).rejects.toMatchObject({ status: 409, code: 'idempotency_key_reused' });
  expect(calls).toBe(2);
});
