import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeEchoEngine } from '../../src/engines/echo.ts';
import { openEmbeddedEngine } from '../../src/engines/embedded/open-embedded.ts';
import { openUpstream } from '../../src/engines/upstream.ts';
import { type HttpEngine, startHttpEngine } from '../support/http-engine.ts';
import { TICKETS_MODEL } from '../support/models.ts';
import { openLiveDoor } from './live-door.ts';

let door: Awaited<ReturnType<typeof openLiveDoor>>;
let upstream: HttpEngine;

beforeAll(async () => {
  upstream = await startHttpEngine();
  const engine = await openEmbeddedEngine({ modelPath: TICKETS_MODEL, modelId: 'tickets', slots: 4, threads: 1 });
  const [model] = await engine.models();
  door = await openLiveDoor({
    tickets: { engine, ...(model?.paths && { paths: model.paths }), maxTokensLimit: 512 },
    echo: { engine: makeEchoEngine(), defaults: { maxTokens: 64, temperature: 0.5 } },
    remote: { engine: openUpstream({ baseUrl: upstream.url }), model: 'test-model' },
    ours: { engine: makeEchoEngine(), account: 'acme' },
    theirs: { engine: makeEchoEngine(), account: 'bob' },
  });
});

afterAll(async () => {
  await door.close();
  await upstream.close();
});

const MODELS = ['tickets', 'echo', 'remote'] as const;
const VERSIONS = ['openai 7', 'openai 6'] as const;
const CHAT = '/v1/chat/completions';
const QUESTION = 'Grüße aus 世界! 🚢🚢 My parcel has not come.';
const asking = (model: string, others: object = {}) => ({
  model,
  messages: [{ role: 'user' as const, content: QUESTION }],
  temperature: 0,
  seed: 1,
  max_tokens: 40,
  ...others,
});

interface ReplyBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
  readonly usage: { readonly completion_tokens: number };
}
const bodyOf = async (reply: Response) => (await reply.json()) as ReplyBody;

const dataOf = (text: string): string[] =>
  text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''));

describe.each(VERSIONS)('the client %s', (version) => {
  const client = () => door.clients[version];

  test.each(MODELS)('gets the same text and usage from %s, whole and streamed', async (model) => {
    const whole = await client().chat.completions.create(asking(model));
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    const wish = { stream: true, stream_options: { include_usage: true } } as const;
    for await (const chunk of await client().chat.completions.create({ ...asking(model), ...wish })) chunks.push(chunk);
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(text).not.toBe('');
    expect(chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? [])).toEqual([whole.choices[0]?.finish_reason]);
    const { prompt_tokens, completion_tokens, total_tokens } = whole.usage ?? {};
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens, completion_tokens, total_tokens } });
    expect(chunks.slice(0, -1).some(({ usage }) => usage)).toBe(false);
  });

  test.each(['tickets', 'echo'])('completes a text through %s, whole and streamed', async (model) => {
    const wish = { model, prompt: 'one two three', temperature: 0, max_tokens: 12 };
    const whole = await client().completions.create(wish);
    let text = '';
    for await (const { choices } of await client().completions.create({ ...wish, stream: true })) text += choices[0]?.text ?? '';
    expect(text).toBe(whole.choices[0]?.text);
  });

  test('gets vectors, as numbers whichever way they travel', async () => {
    const wish = { model: 'echo', input: ['a', 'b'] };
    const [bytes, numbers] = [
      await client().embeddings.create(wish),
      await client().embeddings.create({ ...wish, encoding_format: 'float' }),
    ];
    expect(bytes.data).toHaveLength(2);
    for (const [at, { embedding }] of bytes.data.entries())
      expect(embedding.map((value) => value.toFixed(5))).toEqual(numbers.data[at]?.embedding.map((value) => value.toFixed(5)));
  });

  test('gets responses, whole and streamed', async () => {
    const whole = await client().responses.create({ model: 'echo', input: 'one two' });
    expect(whole.output_text).toBe('one two');
    const types: string[] = [];
    let text = '';
    for await (const event of await client().responses.create({ model: 'echo', input: 'one two', stream: true })) {
      types.push(event.type);
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    expect(text).toBe('one two');
    expect([types[0], types.at(-1)]).toEqual(['response.created', 'response.completed']);
  });

  test('has a tool called by the embedded engine, whole and streamed, and hands its result back', async () => {
    const parameters = { type: 'object', properties: { city: { enum: ['Oslo'] } }, required: ['city'] };
    const tools = [{ type: 'function' as const, function: { name: 'weather', parameters } }];
    const wish = { ...asking('tickets'), max_tokens: 120, tools, tool_choice: 'required', parallel_tool_calls: false } as const;
    const whole = await client().chat.completions.create(wish);
    const streamed = await client().chat.completions.stream(wish).finalChatCompletion();
    for (const { choices } of [whole, streamed]) {
      const [call] = choices[0]?.message.tool_calls ?? [];
      if (call?.type !== 'function') throw new Error('No function was called.');
      expect([choices[0]?.finish_reason, call.function.name, JSON.parse(call.function.arguments)]).toEqual([
        'tool_calls',
        'weather',
        { city: 'Oslo' },
      ]);
      const result = { role: 'tool' as const, tool_call_id: call.id, content: 'Rain.' };
      const said = { role: 'assistant' as const, content: null, tool_calls: [call] };
      const after = await client().chat.completions.create({
        ...wish,
        messages: [...wish.messages, said, result],
        tool_choice: 'none',
      });
      expect(after.choices[0]?.message.tool_calls).toBe(undefined);
    }
  });

  test('is told of an unknown model and of a bad field as it knows it', async () => {
    const { chat } = client();
    await expect(chat.completions.create(asking('nobody'))).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
    await expect(chat.completions.create(asking('echo', { temperature: 3 }))).rejects.toMatchObject({
      status: 400,
      param: 'temperature',
      type: 'invalid_request_error',
      requestID: expect.any(String),
    });
  });
});

test.each(MODELS)('without a wish %s tells the usage with the last content, and ends with its mark', async (model) => {
  const reply = await door.post(CHAT, asking(model, { stream: true }));
  expect(reply.headers.get('content-type')).toContain('text/event-stream');
  expect(reply.headers.get('fireworks-server-time-to-first-token')).toMatch(/^\d+\.\d{3}$/);
  const data = dataOf(await reply.text());
  expect(data.pop()).toBe('[DONE]');
  const chunks = data.map((chunk) => JSON.parse(chunk));
  expect(chunks.at(-1)).toMatchObject({
    choices: [{ finish_reason: expect.any(String) }],
    usage: { prompt_tokens: expect.any(Number) },
  });
  expect(chunks.filter(({ usage }) => usage)).toHaveLength(1);
});

test('a whole answer keeps the bytes of its engine, and says in its headers what it took', async () => {
  const reply = await door.post(CHAT, asking('remote'));
  expect(Object.fromEntries(reply.headers)).toMatchObject({
    'content-type': 'application/json',
    'fireworks-prompt-tokens': '10',
    'fireworks-cached-prompt-tokens': '4',
    'fireworks-server-processing-time': expect.stringMatching(/^\d+\.\d{3}$/),
    'fireworks-sampling-options': '{}',
    'x-ratelimit-limit-requests': expect.stringMatching(/^\d+$/),
    'x-ratelimit-remaining-requests': expect.stringMatching(/^\d+$/),
    'x-request-id': expect.any(String),
  });
  const direct = await fetch(`${upstream.url}/chat/completions`, { method: 'POST', body: JSON.stringify(asking('test-model')) });
  expect(await reply.text()).toBe(await direct.text());
});

test("a model's defaults count where the request does not say, and its limit over all", async () => {
  const long = Array.from({ length: 100 }, (_, at) => `word ${at}`).join(' ');
  const say = async (model: string, others: object) => {
    const reply = await door.post(CHAT, { model, messages: [{ role: 'user', content: long }], ...others });
    return { sampling: reply.headers.get('fireworks-sampling-options'), tokens: (await bodyOf(reply)).usage.completion_tokens };
  };
  expect(await say('echo', {})).toEqual({ sampling: '{"max_tokens":64,"temperature":0.5}', tokens: 64 });
  expect((await say('echo', { max_completion_tokens: 5 })).tokens).toBe(5);
  expect((await door.post(CHAT, asking('tickets', { max_tokens: 1_000_000 }))).status).toBe(200);
});

test.each(['/v1', '/openai/v1', '/inference/v1'])('answers under %s, to bare ids and full names', async (prefix) => {
  for (const model of [
    'echo',
    'accounts/boatload/models/echo',
    'accounts/fireworks/models/echo',
    'ours',
    'accounts/acme/models/ours',
  ])
    expect((await door.post(`${prefix}/chat/completions`, asking(model))).status).toBe(200);
});

test.each([
  ['nobody', 404, 'model_not_found'],
  ['accounts/bob/models/theirs', 404, 'model_not_found'],
  ['asleep', 404, 'model_not_found'],
  [7, 400, 'invalid_field'],
])('a request for the model %j gets %i', async (model, status, code) => {
  const reply = await door.post(CHAT, { ...asking(''), model });
  expect([reply.status, (await bodyOf(reply)).error]).toMatchObject([status, { code, param: 'model' }]);
});

test.each([
  [{ tempurature: 1 }, 'tempurature', "Extra inputs are not permitted, field: 'tempurature', value: 1"],
  [{ top_k: 101 }, 'top_k', 'top_k'],
  [{ max_tokens: 5, max_completion_tokens: 5 }, 'max_completion_tokens', "can't both be set"],
  [{ messages: [] }, 'messages', 'messages is empty'],
  [{ messages: [{ role: 'sailor', content: 'x' }] }, 'messages', 'invalid role sailor in message 1'],
  [{ stream: 'yes' }, 'stream', 'true or false'],
  [{ stream_options: { include_usage: true } }, 'stream_options', 'where "stream" is true'],
  [{ stream: true, stream_options: { usage: true } }, 'stream_options', 'stream_options'],
  [{ dimensions: 3 }, 'dimensions', 'Extra inputs are not permitted'],
])('%j is refused in words, whole and streamed alike', async (others, param, words) => {
  for (const stream of [{}, { stream: true }]) {
    const reply = await door.post(CHAT, { ...asking('echo', { max_tokens: undefined, ...stream }), ...others });
    if ('stream_options' in others && 'stream' in stream && !('stream' in others)) continue;
    const { error } = await bodyOf(reply);
    expect([reply.status, error.param, error.type]).toEqual([400, param, 'invalid_request_error']);
    expect(error.message).toContain(words);
  }
});

test('what is no JSON, too much, or asked without a key, is refused', async () => {
  expect((await door.post(CHAT, '{"model":')).status).toBe(400);
  expect((await door.post(CHAT, '[]')).status).toBe(400);
  const large = await door.post(CHAT, asking('echo', { user: 'x'.repeat(33 * 2 ** 20) }));
  expect([large.status, (await bodyOf(large)).error.code]).toEqual([413, 'body_too_large']);
  const stranger = await door.post(CHAT, asking('echo'), { headers: {} });
  expect([stranger.status, (await bodyOf(stranger)).error.code]).toEqual([401, 'invalid_api_key']);
  expect((await door.ask(CHAT)).status).toBe(405);
});

test.each([
  `{"model":"\\u0000","messages":[]}`,
  `{"model":"\\ud800","messages":[]}`,
  `{"model":"echo","messages":[],"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
  `{"model":"echo","messages":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
  `{"model":"__proto__","messages":[{"role":"user","content":"x"}],"__proto__":1}`,
])('nothing that is sent breaks it: %#', async (body) => {
  const reply = await door.post(CHAT, body);
  expect(reply.status).toBeGreaterThanOrEqual(400);
  expect(reply.status).toBeLessThan(500);
  expect((await bodyOf(reply)).error.type).toBe('invalid_request_error');
});

test('a model whose engine has no such endpoint says so', async () => {
  const reply = await door.post('/v1/embeddings', { model: 'tickets', input: 'x' });
  expect([reply.status, (await bodyOf(reply)).error]).toMatchObject([
    400,
    { code: 'unsupported_endpoint', message: expect.stringContaining('/v1/chat/completions, /v1/completions') },
  ]);
});

test("an engine's own refusal comes through with its status, field and words", async () => {
  for (const stream of [false, true]) {
    const reply = await door.post(CHAT, asking('tickets', { raw_output: true, stream }));
    expect([reply.status, (await bodyOf(reply)).error]).toMatchObject([
      400,
      { param: 'raw_output', code: 'unsupported_parameter' },
    ]);
  }
});

test('live requests leave no trace in the audit log', async () => {
  await door.post(CHAT, asking('echo'));
  await door.makeDataset('noted');
  const { status, body } = await door.askJson('/v1/accounts/acme/auditLogs');
  expect([status, JSON.stringify(body).includes('datasets/noted'), JSON.stringify(body).includes('ompletion')]).toEqual([
    200,
    true,
    false,
  ]);
});
