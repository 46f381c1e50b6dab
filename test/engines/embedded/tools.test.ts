import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readGguf } from '../../../models/gguf/read-gguf.ts';
import { openEmbeddedEngine } from '../../../src/engines/embedded/open-embedded.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { TICKETS_MODEL } from '../../support/models.ts';
import { makeRetemplatedTickets, QWEN_LIKE } from '../../support/retemplated-tickets.ts';
import { ask, askOne, askStream, type Choice, saying } from './ask.ts';

const toTool = (name: string, parameters: object, others = {}): object => ({
  type: 'function',
  function: { name, description: 'Does it.', parameters, ...others },
});
const WEATHER = toTool('weather', {
  type: 'object',
  properties: { city: { $ref: '#/$defs/city' }, days: { type: 'integer', minimum: 1, maximum: 3 } },
  required: ['city', 'days'],
  $defs: { city: { enum: ['Oslo', 'Lima "x"'] } },
});
const NOW = toTool('now', { type: 'object', properties: { root: { const: 'tool-0-root [x] "y"' } }, required: ['root'] });
/** A thought of a model that has none never ends. */
const UNTHINKING = { reasoning_effort: 'none' };
const TOOLS = { ...UNTHINKING, tools: [WEATHER, NOW], max_tokens: 200, temperature: 1.5 };
const folder = mkdtempSync(join(tmpdir(), 'boatload-tools-'));
/** One whose template knows tools, and one whose template does not. */
let engines: readonly Engine[];

beforeAll(async () => {
  const options = { slots: 4, threads: 1 };
  engines = [
    await openEmbeddedEngine({ ...options, modelPath: makeRetemplatedTickets(folder, QWEN_LIKE), modelId: 'knows' }),
    await openEmbeddedEngine({ ...options, modelPath: TICKETS_MODEL, modelId: 'plain' }),
  ];
});

afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  rmSync(folder, { recursive: true });
});

const [knows, plain] = [0, 1].map((index) => (): Engine => {
  const engine = engines[index];
  if (engine === undefined) throw new Error('The engine was not opened.');
  return engine;
}) as [() => Engine, () => Engine];

/** The function and its arguments of the only call of an answer that says nothing else. */
function readCalls({
  message,
  finish_reason: reason,
}: Choice): readonly (readonly [string, Readonly<Record<string, unknown>>])[] {
  expect([message.content, reason]).toEqual([null, 'tool_calls']);
  return (message.tool_calls ?? []).map(({ function: { name, arguments: given } }) => [name, JSON.parse(given)]);
}

function expectFitting([name, given]: readonly [string, Readonly<Record<string, unknown>>]): void {
  if (name === 'now') expect(given).toEqual({ root: 'tool-0-root [x] "y"' });
  else
    expect([name, ['Oslo', 'Lima "x"'].includes(String(given['city'])), [1, 2, 3].includes(Number(given['days']))]).toEqual([
      'weather',
      true,
      true,
    ]);
}

test.each([['any'], ['required']])('tool_choice %s: a tool is called, with arguments that fit its schema', async (choice) => {
  for (const engine of [knows(), plain()]) {
    const answers = await Promise.all(
      [1, 2, 3].map((seed) => askOne(engine, saying('?', { ...TOOLS, seed, tool_choice: choice, parallel_tool_calls: false }))),
    );
    for (const answer of answers) {
      const calls = readCalls(answer);
      expect(calls).toHaveLength(1);
      calls.forEach(expectFitting);
    }
  }
});

test('a named tool is called, and no other, once', async () => {
  for (const name of ['weather', 'now']) {
    const answer = await askOne(knows(), saying('?', { ...TOOLS, tool_choice: { type: 'function', function: { name } } }));
    const calls = readCalls(answer);
    expect(calls.map(([called]) => called)).toEqual([name]);
    calls.forEach(expectFitting);
  }
});

test('several tools may be called in one answer, unless parallel_tool_calls is false', async () => {
  const vocabulary = readGguf(TICKETS_MODEL).metadata['tokenizer.ggml.tokens'];
  const newLine = vocabulary?.type === 'list' ? vocabulary.values.indexOf('<0x0A>') : -1;
  const eager = { ...TOOLS, tool_choice: 'required', logit_bias: { [newLine]: 100 } };
  const several = await askOne(knows(), saying('?', eager));
  const one = await askOne(knows(), saying('?', { ...eager, parallel_tool_calls: false }));
  expect(several.message.tool_calls?.length).toBeGreaterThan(1);
  expect(one.message.tool_calls).toHaveLength(1);
});

test('a streamed call is the same call, in a delta with its place', async () => {
  const body = saying('?', { ...TOOLS, tool_choice: 'required', parallel_tool_calls: false, seed: 5, n: 2 });
  const whole = (await ask(knows(), body)).body;
  const chunks = await askStream(knows(), body);
  for (const { index, message } of whole.choices) {
    const own = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
    const deltas = own.flatMap(({ delta }) => delta.tool_calls ?? []);
    expect(deltas.map((delta) => [delta.index, delta.function])).toEqual(
      message.tool_calls?.map((call, at) => [at, call.function]),
    );
    expect(own.map(({ delta }) => delta.content ?? '').join('')).toBe('');
    expect(own.at(-1)?.finish_reason).toBe('tool_calls');
  }
});

test('the prompt tells tools only where they may be called', async () => {
  const count = async (engine: Engine, others: object): Promise<number> =>
    (await ask(engine, saying('?', { max_tokens: 1, ...others }))).body.usage.prompt_tokens;
  for (const engine of [knows(), plain()]) {
    const without = await count(engine, {});
    expect(await count(engine, { tools: [WEATHER], tool_choice: 'none' })).toBe(without);
    expect(await count(engine, { tools: [], tool_choice: 'auto' })).toBe(without);
    const auto = await count(engine, { tools: [WEATHER] });
    expect(auto).toBeGreaterThan(without + 50);
    expect(await count(engine, { tools: [WEATHER], tool_choice: 'auto' })).toBe(auto);
  }
});

test('calls and results of earlier turns are part of the prompt, whether the template knows them or not', async () => {
  const call = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } };
  const turns = (city: string, result: string) => [
    { role: 'user', content: 'How is it?' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ ...call, function: { ...call.function, arguments: JSON.stringify({ city }) } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: result },
  ];
  for (const engine of [knows(), plain()]) {
    const count = async (city: string, result: string): Promise<number> =>
      (await ask(engine, { messages: turns(city, result), max_tokens: 1 })).body.usage.prompt_tokens;
    const short = await count('a', 'a');
    expect(await count('a'.repeat(100), 'a')).toBeGreaterThan(short + 10);
    expect(await count('a', 'a'.repeat(100))).toBeGreaterThan(short + 10);
  }
});

test('auto: text is text, and a strict tool holds calls to its schema', async () => {
  const strict = toTool('weather', { type: 'object', properties: { n: { enum: [7] } }, required: ['n'] }, { strict: true });
  const auto = await askOne(knows(), saying('Hi', { tools: [WEATHER], max_tokens: 20, ignore_eos: true, temperature: 0 }));
  const held = await askOne(
    knows(),
    saying('Hi', { ...UNTHINKING, tools: [strict], max_tokens: 20, ignore_eos: true, temperature: 0 }),
  );
  for (const { message, finish_reason: reason } of [auto, held]) {
    expect([message.tool_calls, reason]).toEqual([undefined, 'length']);
    expect(message.content.length).toBeGreaterThan(0);
  }
});

test('an answer is in its format or a call, where both are asked for', async () => {
  const format = { type: 'grammar', grammar: 'root ::= root-2\nroot-2 ::= "yes" | "no"' };
  const answer = await askOne(
    knows(),
    saying('?', { ...UNTHINKING, tools: [NOW], response_format: format, max_tokens: 200, temperature: 0 }),
  );
  if (answer.message.tool_calls === undefined) expect(answer.message.content).toMatch(/^(yes|no)$/);
  else readCalls(answer).forEach(expectFitting);
});

test('a thought may come before what has to keep a form, and its tokens are told', async () => {
  const thought = '<think>Hm, so\n</think>\n\nyes';
  const { body } = await ask(
    plain(),
    saying('?', { response_format: { type: 'grammar', grammar: `root ::= ${JSON.stringify(thought)}` } }),
  );
  expect(body.choices[0]?.message).toMatchObject({ reasoning_content: 'Hm, so\n', content: 'yes' });
  const { completion_tokens: all, completion_tokens_details: details } = body.usage;
  expect(details?.reasoning_tokens).toBeGreaterThan(8);
  expect(details?.reasoning_tokens).toBeLessThan(all - 1);
  expect((await ask(plain(), saying('?', { max_tokens: 3 }))).body.usage.completion_tokens_details).toEqual({
    reasoning_tokens: 0,
  });
});

test.each<readonly [string, object]>([
  ['tools', { tools: 'x' }],
  ['tools[0].type', { tools: [{ type: 'web_search' }] }],
  ['tools[0].function.name', { tools: [toTool('no spaces', {})] }],
  ['tools[0].function.mood', { tools: [toTool('a', {}, { mood: 1 })] }],
  ['tools[1].function.name', { tools: [toTool('a', {}), toTool('a', {})] }],
  ['tools[0].function.parameters', { tools: [toTool('a', { type: 'string', pattern: 'x' })], tool_choice: 'required' }],
  ['tool_choice', { tool_choice: 'required' }],
  ['tool_choice', { tools: [NOW], tool_choice: 'maybe' }],
  ['tool_choice.function.name', { tools: [NOW], tool_choice: { type: 'function', function: { name: 'later' } } }],
  ['parallel_tool_calls', { tools: [NOW], parallel_tool_calls: 'x' }],
  ['response_format', { tools: [NOW], tool_choice: 'required', response_format: { type: 'json_object' } }],
  ['messages[0].tool_calls', { messages: [{ role: 'user', content: 'x', tool_calls: [{}] }] }],
  [
    'messages[0].tool_calls[0].function.arguments',
    { messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'a', arguments: {} } }] }] },
  ],
])('%s is refused by its name: %j', async (param, others) => {
  const { status, body } = await ask(plain(), saying('Hi', { max_tokens: 1, ...others }));
  expect([status, body.error.param]).toEqual([400, param]);
});
