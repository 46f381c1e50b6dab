import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEmbeddedEngine } from '../../../src/engines/embedded/open-embedded.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { TICKETS_MODEL } from '../../support/models.ts';
import { ask, COMPLETIONS, saying, send } from './ask.ts';

let engine: Engine;

beforeAll(async () => {
  engine = await openEmbeddedEngine({ modelPath: TICKETS_MODEL, modelId: 'tickets', slots: 2, threads: 1 });
});

afterAll(() => engine.close());

test('an unknown field is refused by its name and value', async () => {
  const { status, body } = await ask(engine, saying('Hi', { temprature: 0.5 }));
  expect([status, body.error.message]).toEqual([400, "Extra inputs are not permitted, field: 'temprature', value: 0.5"]);
  const nested = await ask(engine, { messages: [{ role: 'user', content: 'Hi', mood: 'good' }] });
  expect(nested.body.error.message).toBe('Extra inputs are not permitted, field: \'messages[0].mood\', value: "good"');
});

test.each([
  ['temperature', 3],
  ['temperature', '0'],
  ['top_p', 1.1],
  ['n', 0],
  ['max_tokens', 0],
  ['max_tokens', 1.5],
  ['stop', ['a', 'b', 'c', 'd', 'e']],
  ['stop', ''],
  ['seed', 'lucky'],
  ['logit_bias', { 99999: 1 }],
  ['logit_bias', { 260: -100 }],
  ['repetition_penalty', 0],
  ['stream', 'yes'],
  ['messages', []],
  ['messages', [{ role: 'wizard', content: 'Hi' }]],
  ['messages', [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }]],
  ['messages', [{ role: 'user' }]],
  ['top_logprobs', 3],
  ['response_format', { type: 'yaml' }],
  ['tools', 'x'],
  ['echo', true],
  ['mirostat_target', 5],
])('%s: %j is refused with 400', async (name, value) => {
  const { status, body } = await ask(engine, saying('Hi', { max_tokens: 1, [name]: value }));
  expect(status).toBe(400);
  expect(`${body.error.param} ${body.error.message}`).toContain(name);
});

test('what has no meaning here is ignored', async () => {
  const others = {
    user: 'u',
    metadata: { a: 1 },
    service_tier: 'priority',
    prompt_cache_key: 'k',
    echo: false,
    typical_p: 1,
    tools: [],
    store: false,
  };
  expect((await ask(engine, saying('Hi', { max_tokens: 1, ...others }))).status).toBe(200);
});

test('a prompt longer than the context is refused, in chat and in text', async () => {
  const long = 'zebra '.repeat(600);
  for (const said of [await ask(engine, saying(long)), await ask(engine, { prompt: long }, COMPLETIONS)]) {
    expect([said.status, said.body.error.code]).toEqual([400, 'context_length_exceeded']);
    expect(said.body.error.message).toContain('the context holds 512');
  }
});

test('max_tokens is lowered to what fits, unless the request wants an error', async () => {
  const body = saying('zebra '.repeat(20), { max_tokens: 5_000, ignore_eos: true, temperature: 0 });
  const { usage, choices } = (await ask(engine, body)).body;
  expect([usage.total_tokens, choices[0]?.finish_reason]).toEqual([512, 'length']);
  const strict = await ask(engine, { ...body, context_length_exceeded_behavior: 'error' });
  expect([strict.status, strict.body.error.code]).toEqual([400, 'context_length_exceeded']);
});

test('another model, another path and broken JSON are told apart', async () => {
  expect((await ask(engine, saying('Hi', { model: 'gpt-9' }))).body.error.code).toBe('model_not_found');
  expect((await ask(engine, {}, '/v1/embeddings')).status).toBe(404);
  const broken = await engine.answer(
    { path: '/v1/chat/completions', body: [Buffer.from('{"messages": [')] },
    new AbortController().signal,
  );
  expect(broken).toMatchObject({ kind: 'answer', status: 400 });
  const list = await send(engine, [1, 2, 3]);
  expect(list).toMatchObject({ kind: 'answer', status: 400 });
});
