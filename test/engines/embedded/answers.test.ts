import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEmbeddedEngine } from '../../../src/engines/embedded/open-embedded.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { readTickets, TICKETS_MODEL } from '../../support/models.ts';
import { ask, askOne, askStream, COMPLETIONS, saying } from './ask.ts';

const tickets = readTickets();
const first = tickets[0]?.body ?? {};
const STORY = saying('Tell me a story.', { max_tokens: 24, ignore_eos: true });
const messagesOf = (body: object): object[] => ('messages' in body && Array.isArray(body.messages) ? body.messages : []);
let engine: Engine;

beforeAll(async () => {
  engine = await openEmbeddedEngine({ modelPath: TICKETS_MODEL, modelId: 'tickets', slots: 16, threads: 1 });
});

afterAll(() => engine.close());

test('a trained model answers as its card says: at least 57 of 60 tickets are exactly right', async () => {
  const answers = await Promise.all(tickets.map(({ body }) => askOne(engine, body)));
  const right = answers.filter(({ message }, index) => message.content === JSON.stringify(tickets[index]?.expected));
  expect(right.length).toBeGreaterThanOrEqual(57);
  expect(new Set(answers.map((answer) => answer.finish_reason))).toEqual(new Set(['stop']));
});

test('sixty that press on sixteen slots get the answers that they get alone, but for ties that rounding decides', async () => {
  // Fronts of their own, so that long prompts and answers meet in the same batches.
  const rows = tickets.map(({ body }, row) => ({
    ...body,
    messages: [{ role: 'system', content: `Front ${row % 13}.` }, ...messagesOf(body)],
  }));
  const alone: string[] = [];
  for (const row of rows) alone.push((await askOne(engine, row)).message.content);
  const others: string[] = [];
  for (let round = 0; round < 5; round++) {
    const together = await Promise.all(rows.map((row) => askOne(engine, row)));
    others.push(...together.map(({ message }) => message.content).filter((content, row) => content !== alone[row]));
  }
  // 8-bit sums differ in their last digits with the shape of the batch; answers that were mixed up would be one in ten, and broken.
  expect(others.length).toBeLessThanOrEqual(6);
  for (const content of others) expect(Object.keys(JSON.parse(content))).toEqual(['category', 'sentiment', 'urgent']);
});

test('usage tells the truth: the prompt, the answer with its end, and what was not evaluated again', async () => {
  const fresh = { ...first, messages: [{ role: 'user', content: 'A prompt that nobody sent before: zebra.' }] };
  const before = (await ask(engine, fresh)).body.usage;
  const again = (await ask(engine, fresh)).body.usage;
  expect(before.total_tokens).toBe(before.prompt_tokens + before.completion_tokens);
  expect(before.prompt_tokens_details.cached_tokens).toBeLessThan(10);
  expect(again).toMatchObject({ prompt_tokens: before.prompt_tokens, completion_tokens: before.completion_tokens });
  expect(again.prompt_tokens_details.cached_tokens).toBe(before.prompt_tokens - 1);
});

test('max_tokens ends an answer with length, and max_completion_tokens is the same', async () => {
  for (const limit of [{ max_tokens: 3 }, { max_tokens: undefined, max_completion_tokens: 3 }]) {
    const { body } = await ask(engine, { ...first, ...limit });
    expect([body.choices[0]?.finish_reason, body.usage.completion_tokens]).toEqual(['length', 3]);
  }
});

test('a stop string ends the answer, is not part of it, and may lie across tokens', async () => {
  const whole = (await askOne(engine, first)).message.content;
  for (const stop of ['"sentiment"', [':"', 'never said'], whole.slice(3, 14), whole.slice(-1), whole.slice(0, 1)]) {
    const found = [stop]
      .flat()
      .map((text) => whole.indexOf(text))
      .filter((at) => at !== -1);
    const choice = await askOne(engine, { ...first, stop });
    expect([choice.message.content, choice.finish_reason]).toEqual([whole.slice(0, Math.min(...found)), 'stop']);
  }
});

test('a stop string that is never completed costs no text', async () => {
  const whole = (await askOne(engine, first)).message.content;
  expect((await askOne(engine, { ...first, stop: `${whole.slice(-3)}!` })).message.content).toBe(whole);
});

test('the same seed gives the same text, and without one every answer is another', async () => {
  const hot = { ...STORY, temperature: 1.5 };
  const [one, same, other] = [
    await askOne(engine, { ...hot, seed: 5 }),
    await askOne(engine, { ...hot, seed: 5 }),
    await askOne(engine, { ...hot, seed: 6 }),
  ];
  expect(same.message.content).toBe(one.message.content);
  expect(other.message.content).not.toBe(one.message.content);
  const unseeded = await Promise.all(Array.from({ length: 8 }, () => askOne(engine, hot)));
  expect(new Set(unseeded.map(({ message }) => message.content)).size).toBe(8);
});

test('top_k 1 is greedy however hot, and a wide open distribution is not', async () => {
  const greedy = await askOne(engine, { ...STORY, temperature: 0 });
  const narrow = await askOne(engine, { ...STORY, temperature: 2, top_k: 1 });
  const wide = await askOne(engine, { ...STORY, temperature: 2, seed: 1 });
  expect(narrow.message.content).toBe(greedy.message.content);
  expect(wide.message.content).not.toBe(greedy.message.content);
});

test('three choices come from one prompt, which is paid once', async () => {
  const body = {
    ...STORY,
    messages: [{ role: 'user', content: 'Another story, of a walrus this time.' }],
    temperature: 1.5,
    seed: 9,
    n: 3,
  };
  const { choices, usage } = (await ask(engine, body)).body;
  expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(new Set(choices.map(({ message }) => message.content)).size).toBe(3);
  const single = (await ask(engine, { ...body, n: 1 })).body;
  expect(usage.prompt_tokens).toBe(single.usage.prompt_tokens);
  expect(usage.completion_tokens).toBe(3 * 24);
  expect(choices[0]?.message.content).toBe(single.choices[0]?.message.content);
});

test('logprobs belong to the tokens of the text, and the likeliest is the drawn one when greedy', async () => {
  const choice = await askOne(engine, { ...first, logprobs: true, top_logprobs: 3 });
  const tokens = choice.logprobs.content;
  expect(tokens.map(({ token }) => token).join('')).toBe(choice.message.content);
  for (const { token, logprob, top_logprobs: top } of tokens) {
    expect(top).toHaveLength(3);
    expect([top[0]?.token, top[0]?.logprob]).toEqual([token, logprob]);
    expect(logprob).toBeLessThanOrEqual(0);
    expect(top.reduce((sum, entry) => sum + Math.exp(entry.logprob), 0)).toBeLessThanOrEqual(1.0001);
  }
  const plain = await askOne(engine, { ...first, logprobs: true });
  for (const [index, { logprob }] of plain.logprobs.content.entries())
    expect(logprob).toBeCloseTo(tokens[index]?.logprob ?? 1, 3);
});

test('logprobs are those of the model, whatever the temperature does to the draw', async () => {
  const body = saying('How do I print a newsletter as JSON', { max_tokens: 1, logprobs: true, top_logprobs: 5 });
  const at = async (temperature: number, others = {}) =>
    (await askOne(engine, { ...body, temperature, ...others })).logprobs.content[0]?.top_logprobs ?? [];
  const greedy = await at(0);
  for (const hot of [await at(1.7, { seed: 3 }), await at(0.3, { top_p: 0.5, seed: 3 })]) {
    expect(hot.map(({ token }) => token)).toEqual(greedy.map(({ token }) => token));
    for (const [index, { logprob }] of hot.entries()) expect(logprob).toBeCloseTo(greedy[index]?.logprob ?? 1, 2);
  }
});

test('a draw with logprobs obeys the same truncation as one without', async () => {
  const greedy = await askOne(engine, { ...STORY, temperature: 0 });
  for (const narrow of [{ top_k: 1 }, { top_p: 0 }, { min_p: 1 }]) {
    const choice = await askOne(engine, { ...STORY, temperature: 2, logprobs: true, ...narrow });
    expect(choice.message.content).toBe(greedy.message.content);
  }
});

test('what a stop string swallowed has no logprobs', async () => {
  const choice = await askOne(engine, { ...first, stop: '"sentiment"', logprobs: true });
  const text = choice.logprobs.content.map(({ token }) => token).join('');
  expect(text.startsWith(choice.message.content)).toBe(true);
  expect(choice.logprobs.content.at(-1)?.token.length).toBeGreaterThan(text.length - choice.message.content.length);
});

test('a streamed answer is the same answer, with its usage in the last chunk', async () => {
  for (const body of [first, { ...first, stop: 'negative', logprobs: true }, { ...STORY, temperature: 1, seed: 4, n: 2 }]) {
    const whole = (await ask(engine, body)).body;
    const chunks = await askStream(engine, body);
    for (const { index, message, finish_reason: reason, logprobs } of whole.choices) {
      const own = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
      expect(own[0]?.delta.role).toBe('assistant');
      expect(own.map(({ delta }) => delta.content ?? '').join('')).toBe(message.content);
      expect(own.at(-1)?.finish_reason).toBe(reason);
      const told = own.flatMap((choice) => choice.logprobs?.content ?? []);
      expect(told.map(({ token }) => token)).toEqual((logprobs?.content ?? []).map(({ token }) => token));
    }
    expect(chunks.at(-1)?.usage).toMatchObject({
      prompt_tokens: whole.usage.prompt_tokens,
      completion_tokens: whole.usage.completion_tokens,
    });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === undefined)).toBe(true);
  }
});

test('no piece of a stream ends inside a character, however many tokens a character takes', async () => {
  const text = 'é世🚢🚢 Ω';
  const chunks = await askStream(
    engine,
    saying('x', { max_tokens: 60, response_format: { type: 'grammar', grammar: `root ::= "${text}"` } }),
  );
  const pieces = chunks.flatMap(({ choices }) => choices[0]?.delta.content || []);
  expect(pieces.join('')).toBe(text);
  expect(pieces.length).toBeGreaterThan(3);
  expect(pieces.every((piece) => piece.isWellFormed() && !piece.includes('\ufffd'))).toBe(true);
  expect(chunks.at(-1)?.usage.completion_tokens).toBeGreaterThan(pieces.length);
});

test('penalties and biases change what is said', async () => {
  const plain = (await askOne(engine, { ...STORY, temperature: 0, max_tokens: 60 })).message.content;
  const repeats = (text: string) =>
    text.length - new Set(Array.from({ length: text.length }, (_, at) => text.slice(at, at + 8))).size;
  const penalised = (await askOne(engine, { ...STORY, temperature: 0, max_tokens: 60, repetition_penalty: 1.8 })).message.content;
  expect(penalised).not.toBe(plain);
  expect(repeats(penalised)).toBeLessThanOrEqual(repeats(plain));
  expect((await askOne(engine, { ...STORY, temperature: 0, max_tokens: 60, frequency_penalty: 2 })).message.content).not.toBe(
    plain,
  );
  const brace = await askOne(engine, { ...first, max_tokens: 1 });
  const { body } = await ask(
    engine,
    { prompt: brace.message.content, max_tokens: 1, logit_bias: { 300: 100 }, temperature: 0 },
    COMPLETIONS,
  );
  const other = await ask(
    engine,
    { prompt: brace.message.content, max_tokens: 1, logit_bias: { 301: 100 }, temperature: 0 },
    COMPLETIONS,
  );
  expect(body.choices[0]?.text).not.toBe(other.body.choices[0]?.text);
});

test('ignore_eos goes on after the end', async () => {
  const { body } = await ask(engine, { ...first, ignore_eos: true, max_tokens: 40 });
  expect([body.choices[0]?.finish_reason, body.usage.completion_tokens]).toEqual(['length', 40]);
});

test('a text completion goes on from the text itself, from tokens, and from several prompts', async () => {
  const prompt = '<|im_start|>user\nHow do I print a newsletter as JSON<|im_end|>\n<|im_start|>assistant\n';
  const chat = await askOne(engine, saying('How do I print a newsletter as JSON', { temperature: 0, max_tokens: 48 }));
  const text = await askOne(engine, { prompt, temperature: 0, max_tokens: 48 }, COMPLETIONS);
  expect(text.text).toBe(chat.message.content);
  const several = (await ask(engine, { prompt: [prompt, prompt], temperature: 0, max_tokens: 48, n: 2 }, COMPLETIONS)).body;
  expect(several.choices.map((choice) => choice.text)).toEqual([text.text, text.text, text.text, text.text]);
  const tokens = await askOne(engine, { prompt: [1, 300, 301], max_tokens: 2, logprobs: 2, temperature: 0 }, COMPLETIONS);
  expect(tokens.logprobs.token_logprobs).toHaveLength(2);
});

test('models() tells the name and how much a request may hold', async () => {
  expect(await engine.models()).toEqual([
    { id: 'tickets', contextLength: 512, paths: ['/v1/chat/completions', '/v1/completions'] },
  ]);
  expect([engine.name, engine.slots]).toEqual(['llama.cpp tickets', 16]);
});
