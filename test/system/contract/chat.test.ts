/** The contract's acceptance checklist, against the published program: chat completions that somebody waits for. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ContractServer, MODEL, type Reply, startContractServer } from './server.ts';

const asked: Reply[] = [];
let server: ContractServer;
beforeAll(async () => {
  server = await startContractServer({
    script: ({ body }) => {
      asked.push(body);
      return undefined;
    },
  });
});
afterAll(() => server?.close());

const MESSAGES = [{ role: 'user', content: 'Say the name of the city' }];
const post = (body: object, key = server.server.apiKey) =>
  fetch(`${server.server.url}/inference/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: MODEL, messages: MESSAGES, ...body }),
  });

test('an answer has its choices, and its usage with the cached tokens', async () => {
  const reply = await post({ max_tokens: 64, temperature: 0 });
  expect(reply.status).toBe(200);
  expect(await reply.json()).toEqual({
    id: expect.stringMatching(/^chatcmpl-/),
    object: 'chat.completion',
    created: expect.any(Number),
    model: expect.any(String),
    choices: [{ index: 0, message: { role: 'assistant', content: MESSAGES[0]?.content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, prompt_tokens_details: { cached_tokens: 4 } },
  });
  expect(asked.at(-1)).toMatchObject({ messages: MESSAGES, max_tokens: 64, temperature: 0 });
});

test.each([
  ['temperature', 2.1],
  ['top_p', 1.1],
  ['min_p', -0.1],
  ['typical_p', 2],
  ['top_k', 101],
  ['n', 0],
  ['n', 129],
  ['stop', ['a', 'b', 'c', 'd', 'e']],
  ['frequency_penalty', -2.1],
  ['presence_penalty', 2.1],
  ['repetition_penalty', 2.1],
  ['logit_bias', { 5: 101 }],
  ['logprobs', 6],
  ['top_logprobs', 6],
  ['tools', [{ type: 'function', function: { name: 'no spaces' } }]],
  ['tool_choice', 'perhaps'],
  ['reasoning_effort', 'much'],
  ['thinking', { type: 'enabled', budget_tokens: 1_023 }],
  ['service_tier', 'first'],
  ['context_length_exceeded_behavior', 'explode'],
  ['response_format', { type: 'xml' }],
])('%s is held to its range: %j', async (field, value) => {
  const before = asked.length;
  const reply = await post({ [field]: value });
  const { error } = (await reply.json()) as Reply;
  expect({ status: reply.status, error }).toMatchObject({ status: 400, error: { message: expect.stringContaining(field) } });
  expect(asked).toHaveLength(before);
});

test('a field that nobody knows is refused in the words of the original', async () => {
  const reply = await post({ foo: 1 });
  expect(reply.status).toBe(400);
  const { error } = (await reply.json()) as Reply;
  expect(error.message).toContain("Extra inputs are not permitted, field: 'foo', value: 1");
});

test('streamed, the same text comes in pieces; the usage rides on the last of them, without being asked for', async () => {
  const whole = (await (await post({ model: 'echo' })).json()) as Reply;
  const reply = await post({ model: 'echo', stream: true });
  expect(reply.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const events = (await reply.text()).split('\n\n').filter((event) => event !== '');
  expect(events.at(-1)).toBe('data: [DONE]');
  const chunks = events.slice(0, -1).map((event): Reply => JSON.parse(event.replace(/^data: /, '')));
  expect(chunks.every(({ object }) => object === 'chat.completion.chunk')).toBe(true);
  expect(chunks.map(({ choices }) => choices[0]?.delta?.content ?? '').join('')).toBe(whole.choices[0].message.content);
  const last = chunks.at(-1);
  expect(last.choices[0].finish_reason).toBe('stop');
  expect(last.usage).toEqual(whole.usage);
});

test('a model that is not there gets 404, a key that is wrong no answer', async () => {
  const missing = await post({ model: 'nothing' });
  expect(missing.status).toBe(404);
  expect(((await missing.json()) as Reply).error.message).toContain('nothing');
  const refused = await post({}, 'fw_wrong');
  expect([401, 403]).toContain(refused.status);
  expect(((await refused.json()) as Reply).error.message).toMatch(/API key/i);
});
