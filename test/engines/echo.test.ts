import { expect, test } from 'vitest';
import { makeEchoEngine } from '../../src/engines/echo.ts';
import { engineConformance } from '../conformance/engine.ts';

engineConformance(async () => ({ engine: makeEchoEngine(), model: 'echo' }));

const ask = async (path: string, request: unknown) => {
  const body = [Buffer.from(typeof request === 'string' ? request : JSON.stringify(request))];
  const reply = await makeEchoEngine().answer({ path, body }, new AbortController().signal);
  if (reply.kind === 'silence') throw new Error(reply.message);
  return { status: reply.status, bytes: reply.body.toString(), json: JSON.parse(reply.body.toString()) };
};
const chat = '/v1/chat/completions';
const user = (content: unknown) => [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content },
];

test('says the last user message', async () => {
  const messages = [
    ...user('first'),
    { role: 'assistant', content: 'x' },
    { role: 'user', content: 'last' },
    { role: 'assistant', content: 'y' },
  ];
  expect((await ask(chat, { messages })).json.choices[0].message.content).toBe('last');
});

test('joins the texts of a message in parts', async () => {
  const parts = [
    { type: 'text', text: 'a' },
    { type: 'image_url', image_url: { url: 'x' } },
    { type: 'text', text: 'b' },
  ];
  expect((await ask(chat, { messages: user(parts) })).json.choices[0].message.content).toBe('ab');
});

test('gives the same bytes for the same request, and another id for another', async () => {
  const [one, again, other] = await Promise.all(['a', 'a', 'b'].map((content) => ask(chat, { messages: user(content) })));
  expect(again?.bytes).toBe(one?.bytes);
  expect(other?.json.id).not.toBe(one?.json.id);
});

test('counts a token for every four bytes', async () => {
  const { usage } = (await ask(chat, { messages: user('éé1') })).json;
  expect(usage).toEqual({ prompt_tokens: 3 + 2, completion_tokens: 2, total_tokens: 7 });
});

test('keeps to max_tokens and cuts no character', async () => {
  const [choice] = (await ask(chat, { messages: user('12é456789'), max_tokens: 1 })).json.choices;
  expect(choice).toMatchObject({ message: { content: '12é' }, finish_reason: 'length' });
  const [half] = (await ask(chat, { messages: user('123é456789'), max_tokens: 1 })).json.choices;
  expect(half.message.content).toBe('123');
});

test('gives n choices', async () => {
  expect((await ask(chat, { messages: user('x'), n: 3 })).json.choices.map(({ index }: { index: number }) => index)).toEqual([
    0, 1, 2,
  ]);
});

test('completes prompts, embeds texts, and responds to input', async () => {
  expect((await ask('/v1/completions', { prompt: ['a', 'b'] })).json.choices.map(({ text }: { text: string }) => text)).toEqual([
    'a',
    'b',
  ]);
  const [one, same, other] = (await ask('/v1/embeddings', { input: ['a', 'a', 'b'] })).json.data.map(
    ({ embedding }: { embedding: number[] }) => embedding,
  );
  expect(one).toEqual(same);
  expect(one).not.toEqual(other);
  expect(Math.hypot(...one)).toBeCloseTo(1);
  const { output, usage } = (await ask('/v1/responses', { input: 'hello' })).json;
  expect(output[0].content[0].text).toBe('hello');
  expect(usage).toEqual({ input_tokens: 2, output_tokens: 2, total_tokens: 4 });
});

test('streams prompts and responses too, and no vectors', async () => {
  const stream = async (path: string, request: object) => {
    const body = [Buffer.from(JSON.stringify({ ...request, stream: true }))];
    const reply = await makeEchoEngine().stream({ path, body }, new AbortController().signal);
    if (reply.kind !== 'stream') return reply.kind === 'answer' ? [reply.status] : [];
    return (await Array.fromAsync(reply.events)).map(String);
  };
  const read = (events: readonly unknown[]) =>
    events.flatMap((event) => String(event).match(/^data: (\{.*)$/m)?.[1] ?? []).map((data) => JSON.parse(data));
  const prompts = await stream('/v1/completions', { prompt: ['one two', 'three'] });
  expect(read(prompts).map(({ choices: [{ index, text }] }) => [index, text])).toEqual([
    [0, 'one '],
    [0, 'two'],
    [0, ''],
    [1, 'three'],
    [1, ''],
  ]);
  expect(prompts.at(-1)).toBe('data: [DONE]\n\n');
  const responses = read(await stream('/v1/responses', { input: 'one two' }));
  expect(responses.flatMap(({ delta }) => delta ?? [])).toEqual(['one ', 'two']);
  expect(responses.map(({ sequence_number }) => sequence_number)).toEqual(responses.map((_, at) => at));
  const { created_at, ...whole } = (await ask('/v1/responses', { input: 'one two' })).json;
  expect(responses.at(-1)).toMatchObject({
    type: 'response.completed',
    response: { output: [{ content: whole.output[0].content }] },
  });
  expect(await stream('/v1/embeddings', { input: 'x' })).toEqual([400]);
});

test.each([
  [chat, '[]', 'The body should be a JSON object.'],
  [chat, { messages: [] }, '"messages" should be'],
  [chat, { messages: [{ content: 'no role' }] }, '"messages" should be'],
  ['/v1/completions', {}, '"prompt" should be'],
  ['/v1/embeddings', { input: [1] }, '"input" should be'],
  ['/v1/responses', { input: 7 }, '"input" should be'],
])('refuses %s with %j', async (path, request, words) => {
  const { status, json } = await ask(path, request);
  expect(status).toBe(400);
  expect(json.error).toMatchObject({ type: 'invalid_request_error' });
  expect(json.error.message).toContain(words);
});

test('takes its time when told to, and stops at once when given up', async () => {
  const engine = makeEchoEngine({ latencyMs: 60_000 });
  const abort = new AbortController();
  const asked = engine.answer({ path: chat, body: [Buffer.from('{}')] }, abort.signal);
  abort.abort();
  expect(await asked).toMatchObject({ kind: 'silence', cause: 'aborted' });
});
