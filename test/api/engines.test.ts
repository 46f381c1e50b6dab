/** Engines over the API: what they are found to be, who may see them, what is refused, and where their keys are not. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { sealKey } from '../../src/actions/seal-key.ts';
import { reportEngines } from '../../src/db/queries/report-engines.ts';
import type { ReportedModel } from '../../src/db/schema.ts';
import { startReceiver } from '../support/receiver.ts';
import { type Asked, openDoor } from './door.ts';

let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());
afterEach(async () => {
  await door.context.store.db.deleteFrom('engine').execute();
  for (const close of open.splice(0)) await close();
});

const ENGINES = '/v1/accounts/acme/engines';
const KEY = 'sk-very-secret-key-of-an-engine';
const open: (() => Promise<unknown>)[] = [];

// biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
type Reply = { status: number; body: any };
const ask = (path: string, asked?: Asked): Promise<Reply> => door.askJson(path, asked);
const reasonOf = ({ body }: Reply) => body.details?.[0]?.reason;

/** A server that answers these paths, GET or POST; an object as JSON, a text as it is, all else with 404. */
async function startEngine(answers: Readonly<Record<string, unknown>>) {
  const server = await startReceiver((response, { path }) => {
    const answer = answers[path];
    if (answer === undefined) return void response.writeHead(404).end('{}');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  open.push(server.close);
  return { ...server, url: `http://127.0.0.1:${server.port}/v1` };
}

const listOf = (...models: readonly object[]) => ({ '/v1/models': { object: 'list', data: models } });
const COMPLETION = {
  choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'length' }],
  usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
};
const add = (id: string, body: object, query = '') => ask(`${ENGINES}?engineId=${id}${query}`, { body });

test.each([
  [
    'vllm',
    {
      ...listOf({ id: 'Qwen/Qwen3-8B', owned_by: 'vllm', max_model_len: 40_960 }),
      '/metrics': '# HELP x\nvllm:num_requests_running{model_name="q"} 3.0\nvllm:num_requests_waiting{model_name="q"} 0.0\n',
    },
    { models: [{ servedAs: 'Qwen/Qwen3-8B', model: 'accounts/acme/models/qwen-qwen3-8b', contextLength: 40_960 }], slots: null },
  ],
  [
    'sglang',
    {
      ...listOf({ id: 'meta-llama/Llama-3.1-8B', owned_by: 'sglang' }),
      '/get_server_info': { model_path: 'meta-llama/Llama-3.1-8B', context_length: 8_192 },
      '/metrics': 'sglang:num_running_reqs{} 0\nsglang:num_queue_reqs{} 0\n',
    },
    { models: [{ model: 'accounts/acme/models/meta-llama-llama-3.1-8b', contextLength: 8_192 }], slots: null },
  ],
  [
    'llama-server',
    {
      ...listOf({ id: 'tiny.gguf', owned_by: 'llamacpp', meta: { n_ctx_train: 32_768 } }),
      '/props': { total_slots: 4, default_generation_settings: { n_ctx: 2_048 } },
      '/metrics': 'llamacpp:requests_processing 0\nllamacpp:requests_deferred 0\n',
    },
    { models: [{ servedAs: 'tiny.gguf', contextLength: 2_048 }], slots: 4 },
  ],
  [
    'ollama',
    {
      ...listOf({ id: 'llama3.2:latest', owned_by: 'library' }),
      '/api/version': { version: '0.40.1' },
      '/api/show': {
        model_info: { 'llama.context_length': 131_072 },
        parameters: 'stop "x"\nnum_ctx                        4096',
        capabilities: ['completion', 'tools'],
      },
    },
    { models: [{ servedAs: 'llama3.2:latest', contextLength: 4_096, capabilities: ['completion', 'tools'] }] },
  ],
  [
    'lm-studio',
    {
      ...listOf({ id: 'nomic', owned_by: 'organization_owner' }),
      '/api/v0/models': { data: [{ id: 'nomic', type: 'embeddings', max_context_length: 2_048 }] },
    },
    { models: [{ servedAs: 'nomic', contextLength: 2_048, capabilities: ['embedding'] }] },
  ],
  ['openai-compatible', listOf({ id: 'gpt-x' }), { models: [{ servedAs: 'gpt-x', contextLength: null, capabilities: [] }] }],
] as const)('%s is found out', async (kind, answers, found) => {
  const engine = await startEngine(answers);
  const { status, body } = await add('one', { url: engine.url });
  expect(status).toBe(200);
  expect(body).toMatchObject({ name: 'accounts/acme/engines/one', url: engine.url, kind, hasKey: false, ...found });
  const isCounting = '/metrics' in answers;
  expect(body.metricsUrl).toBe(isCounting ? engine.url.replace('/v1', '/metrics') : '');
});

test('an engine is added, read, changed, drained, resumed, listed and removed', async () => {
  const engine = await startEngine(listOf({ id: 'a' }, { id: 'b' }));
  const { body: made } = await ask(ENGINES, {
    body: {
      url: `${engine.url}/`,
      displayName: 'GPU 1',
      models: [{ servedAs: 'a', model: 'big' }],
      maxInFlight: 8,
      requestsPerMinute: 60,
    },
  });
  const at = door.clock.now().toISOString();
  expect(made).toEqual({
    name: `accounts/acme/engines/engine-127-0-0-1-${engine.port}`,
    displayName: 'GPU 1',
    url: engine.url,
    maxInFlight: 8,
    requestsPerMinute: 60,
    tokensPerMinute: 0,
    kind: 'openai-compatible',
    models: [{ model: 'accounts/acme/models/big', servedAs: 'a', contextLength: null, capabilities: [] }],
    hasKey: false,
    slots: null,
    metricsUrl: '',
    state: 'UNKNOWN',
    stateReason: 'No process has said anything of it in the last minute.',
    limit: 0,
    inFlight: 0,
    views: [],
    createdBy: 'acme@example.test',
    createTime: at,
    updateTime: at,
  });
  const path = `/v1/${made.name}`;
  expect((await ask(path)).body).toEqual(made);
  const patched = await ask(path, {
    method: 'PATCH',
    body: { max_in_flight: 0, tokens_per_minute: '9000', models: [{ servedAs: 'b' }] },
  });
  expect(patched.body).toMatchObject({
    maxInFlight: 0,
    tokensPerMinute: 9_000,
    requestsPerMinute: 60,
    models: [{ servedAs: 'b' }],
  });
  expect((await ask(`${path}:drain`, { body: {} })).body.state).toBe('DRAINING');
  door.clock.time += 10_000;
  expect((await ask(path)).body.state).toBe('DRAINED');
  expect((await ask(`${path}:resume`, { body: {} })).body.state).toBe('UNKNOWN');
  expect((await ask(ENGINES)).body).toMatchObject({ engines: [{ name: made.name }], totalSize: 1, nextPageToken: '' });
  expect(await ask(path, { method: 'DELETE' })).toEqual({ status: 200, body: {} });
  expect(reasonOf(await ask(path))).toBe('ENGINE_NOT_FOUND');
});

test('the key of an engine is sent to it, and is nowhere else', async () => {
  const engine = await startEngine({ ...listOf({ id: 'a' }), '/v1/chat/completions': COMPLETION });
  const added = await add('keyed', { url: engine.url, apiKey: KEY });
  expect(added.body).toMatchObject({ hasKey: true });
  const tried = await ask(`${ENGINES}/keyed:test`, { body: {} });
  expect(tried.body).toMatchObject({ ok: true, model: 'accounts/acme/models/a', error: '' });
  expect(engine.received.every(({ headers }) => headers.authorization === `Bearer ${KEY}`)).toBe(true);
  expect(engine.received.map(({ path }) => path)).toContain('/v1/chat/completions');
  const replies = [added, tried, await ask(ENGINES), await ask(`${ENGINES}/keyed`), await ask('/v1/accounts/acme/auditLogs')];
  expect(JSON.stringify(replies)).not.toContain(KEY);
  const { db } = door.context.store;
  const tables = (await db.introspection.getTables()).filter(
    ({ schema }) => schema?.startsWith('boatload') || schema === 'public',
  );
  expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['engine', 'audit_entry', 'kept_reply']));
  for (const { schema, name } of tables) {
    const rows = await db
      .withSchema(schema ?? '')
      .selectFrom(name as 'engine')
      .selectAll()
      .execute();
    expect(JSON.stringify(rows), name).not.toContain(KEY);
  }
  const [row] = await db.selectFrom('engine').selectAll().execute();
  expect(row?.sealedKey).toMatch(/^v1\./);
  // The same key twice is not seen to be the same.
  expect(sealKey(door.context.links.secret, { accountId: 'acme', id: 'keyed' }, KEY)).not.toBe(row?.sealedKey);
});

test('a key does not follow an engine to another address', async () => {
  const [first, second] = [await startEngine(listOf({ id: 'a' })), await startEngine(listOf({ id: 'a' }))];
  await add('moved', { url: first.url, apiKey: KEY });
  const moved = await ask(`${ENGINES}/moved`, { method: 'PATCH', body: { url: second.url } });
  expect(moved.body).toMatchObject({ url: second.url, hasKey: false });
  expect(second.received.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
});

test('an engine that does not answer is refused with the reason, and kept when that is asked for', async () => {
  const engine = await startEngine({});
  await engine.close();
  open.pop();
  const refused = await add('away', { url: engine.url });
  expect([refused.status, reasonOf(refused)]).toEqual([503, 'ENGINE_UNREACHABLE']);
  expect(refused.body.message).toContain('nothing listens there');
  expect((await add('away', { url: engine.url }, '&anyway=true')).body.message).toContain('name the models that it will serve');
  const kept = await add('away', { url: engine.url, models: [{ servedAs: 'M/X' }] }, '&anyway=true');
  expect(kept.body).toMatchObject({ models: [{ servedAs: 'M/X', model: 'accounts/acme/models/m-x' }] });
  const tried = await ask(`${ENGINES}/away:test`, { body: {} });
  expect(tried.body).toMatchObject({ ok: false, kind: null, error: expect.stringContaining('nothing listens there') });
});

test('an engine that wants another key, or leads elsewhere, is refused; the key does not follow', async () => {
  const elsewhere = await startEngine(listOf({ id: 'a' }));
  const server = await startReceiver((response, { path }) => {
    if (path.startsWith('/locked')) response.writeHead(401).end('{"error":{"message":"no"}}');
    else response.writeHead(307, { location: elsewhere.url + path.slice('/v1'.length) }).end();
  });
  open.push(server.close);
  const base = `http://127.0.0.1:${server.port}`;
  expect(reasonOf(await add('locked', { url: `${base}/locked/v1`, apiKey: KEY }))).toBe('ENGINE_KEY_REFUSED');
  expect(reasonOf(await add('elsewhere', { url: `${base}/v1`, apiKey: KEY }))).toBe('ENGINE_INCOMPATIBLE');
  expect(elsewhere.received).toEqual([]);
});

test.each([
  ['http://169.254.169.254/v1', 'secrets'],
  ['http://[fd00:ec2::254]/v1', 'secrets'],
  ['http://[::ffff:169.254.169.254]/v1', 'secrets'],
  ['http://2852039166/v1', 'secrets'],
  ['http://[fe80::1]:8000/v1', 'secrets'],
  ['http://100.100.100.200/v1', 'secrets'],
  ['http://user:word@127.0.0.1:1/v1', 'user name or a password'],
  ['http://127.0.0.1:1/v1?key=abc', 'the parameter "key"'],
  ['ftp://127.0.0.1/v1', 'http or https'],
  ['not an address', 'http or https'],
])('no engine is at %s', async (url, words) => {
  const refused = await add('bad', { url }, '&anyway=true');
  expect([refused.status, reasonOf(refused)]).toEqual([400, 'ENGINE_URL_INVALID']);
  expect(refused.body.message).toContain(words);
});

test('models are named once, within the account, and are those that the engine lists', async () => {
  const { url } = await startEngine(listOf({ id: 'a:1' }, { id: 'a-1' }));
  const withModels = (...models: readonly object[]) => add('names', { url, models });
  expect(reasonOf(await add('names', { url }))).toBe('MODEL_NAMED_TWICE');
  expect(reasonOf(await withModels({ servedAs: 'c' }))).toBe('MODEL_NOT_LISTED');
  expect(reasonOf(await withModels({ servedAs: 'a:1', model: 'accounts/bob/models/a' }))).toBe('ACCOUNT_MISMATCH');
  expect(reasonOf(await withModels({ servedAs: 'a:1', model: 'A b' }))).toBe('INVALID_ID');
  const named = await withModels({ servedAs: 'a:1', model: 'accounts/acme/models/one.5' }, { servedAs: 'a-1' });
  expect(named.body.models.map(({ model }: { model: string }) => model)).toEqual([
    'accounts/acme/models/one.5',
    'accounts/acme/models/a-1',
  ]);
  expect(reasonOf(await withModels({ servedAs: 'a-1' }))).toBe('ENGINE_EXISTS');
});

test('engines are for admins of their account alone', async () => {
  const engine = await startEngine(listOf({ id: 'a' }));
  await add('ours', { url: engine.url });
  const { body: user } = await ask('/v1/accounts/acme/users?userId=ada', { body: { role: 'user', email: 'ada@example.test' } });
  const { body: made } = await ask(`/v1/${user.name}/apiKeys`, { body: { apiKey: { displayName: 'ada' } } });
  for (const path of [ENGINES, `${ENGINES}/ours`]) expect((await ask(path, { key: made.key })).status).toBe(403);
  expect((await ask(`${ENGINES}/ours:test`, { key: made.key, body: {} })).status).toBe(403);
  const asBob = { key: door.keys.bob };
  expect((await ask(`${ENGINES}/ours`, asBob)).status).toBe(403);
  expect((await ask('/v1/accounts/bob/engines/ours', asBob)).status).toBe(404);
  expect((await ask('/v1/accounts/bob/engines', asBob)).body.engines).toEqual([]);
});

test('what processes report adds up, and is forgotten once they are silent', async () => {
  const engine = await startEngine(listOf({ id: 'a' }));
  await add('shared', { url: engine.url });
  const since = door.clock.now().toISOString();
  const say = (process: string, model: Partial<ReportedModel>) =>
    reportEngines(door.context.store.db, [
      {
        ...{ accountId: 'acme', engineId: 'shared', process, at: door.clock.now() },
        models: [{ id: 'a', state: 'ready', why: 'found', limit: 8, inFlight: 3, inUse: true, since, lastError: null, ...model }],
      },
    ]);
  await say('gpu-7/1', {});
  await say('gpu-8/1', { inFlight: 4 });
  const read = async () => (await ask(`${ENGINES}/shared`)).body;
  expect(await read()).toMatchObject({
    state: 'READY',
    stateReason: 'found',
    limit: 16,
    inFlight: 7,
    views: [{ process: 'gpu-7/1' }, {}],
  });
  await say('gpu-8/1', { state: 'broken', why: 'gone.', lastError: { message: 'gone.', at: since } });
  expect(await read()).toMatchObject({
    state: 'READY',
    stateReason: 'Not everywhere: gone.',
    views: [{}, { state: 'FAILING', lastError: 'gone.' }],
  });
  await say('gpu-7/1', { state: 'paused', why: 'slow down' });
  expect(await read()).toMatchObject({ state: 'BUSY', stateReason: 'slow down' });
  await say('gpu-7/1', { state: 'broken', why: 'gone too.' });
  expect((await read()).state).toBe('FAILING');
  door.clock.time += 61_000;
  expect(await read()).toMatchObject({ state: 'UNKNOWN', views: [], inFlight: 0 });
});

test('words that a database does not take keep no other report out', async () => {
  const engine = await startEngine(listOf({ id: 'a' }));
  for (const id of ['hostile', 'calm']) await add(id, { url: engine.url, models: [{ servedAs: 'a', model: id }] });
  const at = door.clock.now();
  const since = at.toISOString();
  const reportOf = (engineId: string, why: string) => ({
    ...{ accountId: 'acme', engineId, process: 'gpu-7/1', at },
    models: [
      {
        id: 'a',
        state: 'broken' as const,
        why,
        limit: 1,
        inFlight: 0,
        inUse: true,
        since,
        lastError: { message: why, at: since },
      },
    ],
  });
  await reportEngines(door.context.store.db, [reportOf('hostile', 'no\0t \ud800'), reportOf('calm', 'gone.')]);
  expect((await ask(`${ENGINES}/calm`)).body).toMatchObject({ state: 'FAILING', views: [{ lastError: 'gone.' }] });
  expect((await ask(`${ENGINES}/hostile`)).body).toMatchObject({ views: [{ lastError: 'no\ufffdt \ufffd' }] });
});

test('an engine that says absurd things of itself is kept without them', async () => {
  const engine = await startEngine({
    ...listOf({ id: 'a\0b', owned_by: 'llamacpp' }),
    '/props': { total_slots: 9_007_199_254_740_991, default_generation_settings: { n_ctx: 2_048 } },
  });
  expect((await add('absurd', { url: engine.url })).status).toBe(200);
  expect((await ask(`${ENGINES}/absurd`)).body).toMatchObject({
    slots: null,
    models: [{ model: 'accounts/acme/models/a-b', servedAs: 'a\ufffdb' }],
  });
});
