import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GenerationParameters } from '../../../src/contract/chat-parameters.ts';
import { openEmbeddedEngine } from '../../../src/engines/embedded/open-embedded.ts';
import { readThinking } from '../../../src/engines/embedded/read-thinking.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { makeRetemplatedTickets, QWEN_LIKE } from '../../support/retemplated-tickets.ts';
import { ask, askOne, type Choice, saying } from './ask.ts';

/** Greedy, and of one length, so that whatever differs comes from the parameter. */
const STORY = saying('Tell me a story.', { max_tokens: 16, ignore_eos: true, temperature: 0 });
const HOT = { ...STORY, temperature: 2, seed: 1 };
const TOOL = { type: 'function', function: { name: 'now', parameters: { type: 'object', properties: {} } } };
const CALLING = { ...STORY, reasoning_effort: 'none', tools: [TOOL], tool_choice: 'required', max_tokens: 200 };
/** A call, and the new line that another call needs before it, at any price. */
const EAGER = { ...CALLING, ignore_eos: false, logit_bias: { 13: 100 } };
const folder = mkdtempSync(join(tmpdir(), 'boatload-parameters-'));
let engine: Engine;

beforeAll(async () => {
  const modelPath = makeRetemplatedTickets(folder, QWEN_LIKE);
  engine = await openEmbeddedEngine({ modelPath, modelId: 'tickets', slots: 4, threads: 1 });
});

afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

const choose = (others: object, body = STORY): Promise<Choice> => askOne(engine, { ...body, ...others });
const say = async (others: object, body = STORY): Promise<string> => (await choose(others, body)).message.content;
const usageOf = async (others: object) => (await ask(engine, { ...STORY, ...others })).body.usage;
const changesTheText = (value: unknown) => async (name: string) => {
  const plain = await say({ max_tokens: 60 });
  expect(await say({ max_tokens: 60, [name]: value })).not.toBe(plain);
};
/** However hot, the likeliest token alone is left. */
const leavesTheLikeliest = (value: unknown) => async (name: string) => {
  const greedy = await say({});
  expect(await say({}, HOT)).not.toBe(greedy);
  expect(await say({ [name]: value }, HOT)).toBe(greedy);
};
const limits = async (name: string) =>
  expect(await usageOf({ max_tokens: undefined, [name]: 3 })).toMatchObject({ completion_tokens: 3 });
const changesThePrompt =
  (value: unknown, others: object = {}) =>
  async (name: string) => {
    const whole = await usageOf({ max_tokens: 1, ...others });
    expect((await usageOf({ max_tokens: 1, ...others, [name]: value })).prompt_tokens).not.toBe(whole.prompt_tokens);
  };
const THOUGHTFUL = { messages: [{ role: 'assistant', content: 'Hi', reasoning_content: 'They greet me.' }] };

/** Does something that can be seen: the test fails where the parameter is passed over. */
interface Honoured {
  readonly honoured: (name: string) => Promise<unknown>;
}
/** Not done here: every value but those that ask for nothing is refused. */
interface Refused {
  readonly refused: unknown;
  readonly harmless: unknown;
}
/** Says where, how fast or for whom, never what: the answer is the same, and junk is refused. */
interface WithoutEffect {
  readonly withoutEffect: unknown;
  readonly junk: unknown;
}

const PARAMETERS: Readonly<Record<string, Honoured | Refused | WithoutEffect>> = {
  max_tokens: { honoured: limits },
  max_completion_tokens: { honoured: limits },
  temperature: { honoured: async () => expect(await say({}, HOT)).not.toBe(await say({})) },
  top_p: { honoured: leavesTheLikeliest(0) },
  min_p: { honoured: leavesTheLikeliest(1) },
  top_k: { honoured: leavesTheLikeliest(1) },
  typical_p: { refused: 0.5, harmless: 1 },
  n: { honoured: async () => expect((await ask(engine, { ...HOT, n: 3 })).body.choices).toHaveLength(3) },
  stop: {
    honoured: async () => {
      const whole = await say({});
      expect(await say({ stop: whole.slice(4, 8) })).toBe(whole.slice(0, whole.indexOf(whole.slice(4, 8))));
    },
  },
  frequency_penalty: { honoured: changesTheText(2) },
  presence_penalty: { honoured: changesTheText(2) },
  repetition_penalty: { honoured: changesTheText(1.8) },
  logit_bias: { honoured: changesTheText({ 300: 100 }) },
  logprobs: {
    honoured: async () => {
      expect((await choose({})).logprobs).toBe(null);
      expect((await choose({ logprobs: true, max_tokens: 6 })).logprobs.content).toHaveLength(6);
      expect((await choose({ logprobs: 2, max_tokens: 6 })).logprobs.token_logprobs).toHaveLength(6);
    },
  },
  top_logprobs: {
    honoured: async () => {
      const { logprobs } = await choose({ logprobs: true, top_logprobs: 3, max_tokens: 6 });
      expect(logprobs.content.map((token) => token.top_logprobs.length)).toEqual(Array(6).fill(3));
    },
  },
  echo: { refused: true, harmless: false },
  echo_last: { refused: 3, harmless: 0 },
  ignore_eos: {
    honoured: async () => {
      // The model's own kind of prompt, which it answers with a short line.
      const ticket = { messages: [{ role: 'user', content: 'How do I print a newsletter as JSON' }], max_tokens: 60 };
      expect((await choose({ ...ticket, ignore_eos: false })).finish_reason).toBe('stop');
      expect((await choose(ticket)).finish_reason).toBe('length');
    },
  },
  seed: {
    honoured: async () => {
      expect(await say({ seed: 2 }, HOT)).toBe(await say({ seed: 2 }, HOT));
      expect(await say({ seed: 2 }, HOT)).not.toBe(await say({ seed: 3 }, HOT));
    },
  },
  response_format: {
    honoured: async () => {
      const format = { type: 'grammar', grammar: 'root ::= "yes" | "no"' };
      expect(await say({ response_format: format, ignore_eos: false, reasoning_effort: 'none' })).toMatch(/^(yes|no)$/);
    },
  },
  tools: { honoured: changesThePrompt([TOOL]) },
  tool_choice: {
    honoured: async () => {
      const { message, finish_reason: reason } = await choose({ ignore_eos: false }, CALLING);
      expect([message.content, message.tool_calls?.[0]?.function, reason]).toEqual([
        null,
        { name: 'now', arguments: expect.stringMatching(/^\{ *\}$/) },
        'tool_calls',
      ]);
    },
  },
  parallel_tool_calls: {
    honoured: async () => {
      expect((await choose({}, EAGER)).message.tool_calls?.length).toBeGreaterThan(1);
      expect((await choose({ parallel_tool_calls: false }, EAGER)).message.tool_calls).toHaveLength(1);
    },
  },
  functions: { refused: [{ name: 'now' }], harmless: null },
  function_call: { refused: 'auto', harmless: 'none' },
  reasoning_effort: { honoured: changesThePrompt('none') },
  reasoning_history: { honoured: changesThePrompt('disabled', THOUGHTFUL) },
  thinking: { honoured: changesThePrompt({ type: 'disabled' }) },
  service_tier: { withoutEffect: 'priority', junk: 'bogus' },
  user: { withoutEffect: 'u', junk: 5 },
  prompt_cache_key: { withoutEffect: 'k', junk: 5 },
  prompt_cache_isolation_key: { refused: 'k', harmless: null },
  context_length_exceeded_behavior: {
    honoured: async () => {
      const { status, body } = await ask(engine, { ...STORY, max_tokens: 9_999, context_length_exceeded_behavior: 'error' });
      expect([status, body.error.code]).toEqual([400, 'context_length_exceeded']);
    },
  },
  prompt_truncate_len: { refused: 9, harmless: null },
  raw_output: { refused: true, harmless: false },
  perf_metrics_in_response: { refused: true, harmless: false },
  return_token_ids: { refused: true, harmless: false },
  safe_tokenization: { refused: false, harmless: true },
  speculation: { withoutEffect: [1, 2], junk: { a: 1 } },
  prediction: { withoutEffect: { type: 'content', content: 'x' }, junk: 'x' },
  mirostat_target: { refused: 5, harmless: null },
  mirostat_lr: { refused: 0.1, harmless: null },
  metadata: { withoutEffect: { a: 'b' }, junk: 5 },
};

test('every parameter of the contract is in the table, and nothing else', () => {
  expect(Object.keys(PARAMETERS).toSorted()).toEqual(Object.keys(GenerationParameters.shape).toSorted());
});

test.each(Object.entries(PARAMETERS))('%s is honoured, refused by its name, or changes nothing', async (name, row) => {
  if ('honoured' in row) {
    await row.honoured(name);
    return;
  }
  const [bad, good] = 'refused' in row ? [row.refused, row.harmless] : [row.junk, row.withoutEffect];
  const { status, body } = await ask(engine, { ...STORY, [name]: bad });
  expect([status, body.error.param]).toEqual([400, name]);
  expect(body.error.message).toContain(`'${name}'`);
  expect(await say({ [name]: good })).toBe(await say({}));
});

test('null is as good as absent, for every parameter', async () => {
  const nothing = Object.fromEntries(Object.keys(PARAMETERS).map((name) => [name, null]));
  expect(await say({ ...nothing, ...STORY })).toBe(await say({}));
});

const SCHEMA = { type: 'object', properties: { zz: { type: 'integer' } }, required: ['zz'] };

test.each<readonly [string, object]>([
  ['thinking.budget_tokens', { thinking: { type: 'enabled', budget_tokens: 2_048 } }],
  ['thinking.mood', { thinking: { type: 'enabled', mood: 1 } }],
  ['thinking.type', { thinking: { type: 'bogus' } }],
  ['thinking', { thinking: 'yes' }],
  ['reasoning_effort', { thinking: { type: 'disabled' }, reasoning_effort: 'high' }],
  ['reasoning_effort', { reasoning_effort: 'much' }],
  ['reasoning_effort', { reasoning_effort: -3 }],
  ['reasoning_effort', { reasoning_effort: 4_096 }],
  ['reasoning_history', { reasoning_history: 'bogus' }],
  ['reasoning_history', { reasoning_history: 'preserved' }],
  ['top_logprobs', { logprobs: 2, top_logprobs: 5 }],
  ['stream_options.bogus', { stream_options: { bogus: 1 } }],
  ['chat_template_kwargs.bogus', { chat_template_kwargs: { bogus: 1 } }],
  ['chat_template_kwargs.messages', { chat_template_kwargs: { messages: [] } }],
  ['response_format.json_schema', { response_format: { type: 'json_object', json_schema: { schema: SCHEMA } } }],
  ['response_format.schema', { response_format: { type: 'text', schema: SCHEMA } }],
  ['response_format.schema', { response_format: { type: 'json_schema', schema: SCHEMA, json_schema: { schema: SCHEMA } } }],
  ['response_format.grammar', { response_format: { type: 'json_object', grammar: 'root ::= "x"' } }],
  ['response_format.json_schema.mood', { response_format: { type: 'json_schema', json_schema: { schema: SCHEMA, mood: 1 } } }],
  ['messages[0].content[0].mood', { messages: [{ role: 'user', content: [{ type: 'text', text: 'x', mood: 1 }] }] }],
  ['messages[0].name', { messages: [{ role: 'user', content: 'x', name: 5 }] }],
])('%s is refused by its name: %j', async (param, others) => {
  const { status, body } = await ask(engine, { ...STORY, ...others });
  expect([status, body.error.param]).toEqual([400, param]);
});

const wordsOf = (variables: readonly string[], texts: readonly string[] = []) => ({
  reads: (name: string) => variables.includes(name),
  says: (text: string) => texts.includes(text),
});

test.each<readonly [string, object, ReturnType<typeof wordsOf>, object | string]>([
  ['a switch', { reasoning_effort: 'none' }, wordsOf(['enable_thinking']), { enable_thinking: false }],
  ['another switch', { thinking: { type: 'enabled' } }, wordsOf(['thinking']), { thinking: true }],
  ['a level', { reasoning_effort: 'low' }, wordsOf(['reasoning_effort']), { reasoning_effort: 'low' }],
  ['true', { reasoning_effort: true }, wordsOf(['reasoning_effort']), { reasoning_effort: 'medium' }],
  ['a model that never thinks, and need not', { thinking: { type: 'disabled' } }, wordsOf([]), {}],
  ['a model that can not think', { reasoning_effort: 'low' }, wordsOf([]), 'reasoning_effort'],
  ['a model that always thinks', { thinking: { type: 'disabled' } }, wordsOf([], ['<think>']), 'thinking'],
  ['nothing said', {}, wordsOf(['enable_thinking']), {}],
])('thinking: %s', (_, body, words, expected) => {
  const read = () => readThinking({ ...body }, words);
  if (typeof expected === 'string') expect(read).toThrow(`'${expected}'`);
  else expect(read()).toEqual(expected);
});
