import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JobSettings } from '../../src/jobs/job.ts';
import { compileRequest, type RequestOptions } from '../../src/jobs/request.ts';

type Fields = Record<string, unknown>;

const options: RequestOptions = { model: 'tickets', format: 'fireworks' };

const make = (settings: JobSettings, row: unknown, more: Partial<RequestOptions> = {}) => {
  const line = typeof row === 'string' ? row : JSON.stringify(row);
  const { customId, path, body } = compileRequest(settings, { ...options, ...more }).make(Buffer.from(line), 0);
  return {
    customId: customId.toString(),
    path,
    text: Buffer.concat(body).toString(),
    body: JSON.parse(Buffer.concat(body).toString()) as Fields,
  };
};

const MAX_TOKENS_NAMES = ['max_tokens', 'max_completion_tokens'];
const clampAll = (body: Fields, limit: number) =>
  Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      MAX_TOKENS_NAMES.includes(name) && typeof value === 'number' ? Math.min(value, limit) : value,
    ]),
  );

/** The merge done the slow way, on objects. */
function mergeSlowly(settings: JobSettings, row: Fields, limit: number): Fields {
  const typed = {
    max_tokens: settings.maxTokens,
    temperature: settings.temperature,
    top_p: settings.topP,
    top_k: settings.topK,
    n: settings.n,
  };
  const extra: Fields = { ...settings.extraBody };
  for (const name of ['model', 'stream', 'stream_options', 'messages', 'prompt_token_ids', 'prompt', 'input']) delete extra[name];
  if (settings.maxTokens !== undefined) for (const name of MAX_TOKENS_NAMES) delete extra[name];
  const [, second] = Object.keys(extra).filter((name) => MAX_TOKENS_NAMES.includes(name));
  if (second !== undefined) delete extra[second];
  const set = Object.entries(typed).filter(([, value]) => value !== undefined);
  const defaults = clampAll({ ...extra, ...Object.fromEntries(set) }, limit);
  if (MAX_TOKENS_NAMES.some((name) => name in row)) for (const name of MAX_TOKENS_NAMES) delete defaults[name];
  const { model: _model, stream: _stream, stream_options: _options, ...own } = row;
  const merged: Fields = { ...defaults, ...clampAll(own, limit), model: options.model };
  const messages = merged['messages'];
  const isLed = Array.isArray(messages) && messages[0]?.role === 'system';
  if (settings.systemPrompt === undefined || isLed || !Array.isArray(messages)) return merged;
  return { ...merged, messages: [{ role: 'system', content: settings.systemPrompt }, ...messages] };
}

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const message = fc.record({ role: fc.constantFrom('system', 'user', 'assistant'), content: text });
const field = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.nat(2000));
const fieldName = fc.constantFrom(
  'temperature',
  'top_p',
  'top_k',
  'n',
  ...MAX_TOKENS_NAMES,
  'seed',
  'stop',
  'model',
  'stream',
  'stream_options',
  'a"b\\',
  'é',
);
const body = fc
  .tuple(fc.array(fc.tuple(fieldName, field), { maxLength: 8 }), fc.array(message, { minLength: 1, maxLength: 3 }), fc.nat(8))
  .map(([fields, messages, place]) => Object.fromEntries(fields.toSpliced(place, 0, ['messages', messages])));
const settings = fc.record(
  {
    maxTokens: fc.integer({ min: 1, max: 2000 }),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    topP: fc.double({ min: 0, max: 1, noNaN: true }),
    topK: fc.nat(100),
    n: fc.integer({ min: 1, max: 4 }),
    extraBody: fc.dictionary(fieldName, field, { noNullPrototype: true }),
    systemPrompt: text,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<JobSettings>;

test('a request is what merging objects would give, whatever the row and the job say', () => {
  fc.assert(
    fc.property(settings, body, fc.integer({ min: 1, max: 1500 }), fc.constantFrom(0, 1), (job, row, limit, indent) => {
      const line = JSON.stringify({ custom_id: 'a', body: row }, undefined, indent).replaceAll('\n', ' ');
      // Negative zero and the like are written by JSON.stringify as JSON has them.
      const expected = JSON.parse(JSON.stringify(mergeSlowly(job, row, limit)));
      expect(make(job, line, { maxTokensLimit: limit }).body).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test("a row's own bytes are forwarded as they are", () => {
  const line =
    '{"custom_id":"a","body":{ "messages" : [ {"role":"user","content":"\\u00e9 é \\/"} ] , "seed" : 1.0e2 , "stream":true, "x":0.10 }}';
  expect(make({}, line).text).toBe(
    '{"model":"tickets","messages" : [ {"role":"user","content":"\\u00e9 é \\/"} ] , "seed" : 1.0e2,"x":0.10}',
  );
});

test('the pieces are views of the line, not copies', () => {
  const line = Buffer.from('{"custom_id":"a","body":{"messages":[{"role":"user","content":"hello"}],"seed":1}}');
  const { customId, body: pieces } = compileRequest({}, options).make(line, 0);
  expect([customId, pieces[2]].map((piece) => piece?.buffer)).toEqual([line.buffer, line.buffer]);
});

describe('one idea under two names', () => {
  test.each([
    ['the row has max_tokens', { maxTokens: 5 }, { max_tokens: 9 }, { max_tokens: 9 }],
    ['the row has max_completion_tokens', { maxTokens: 5 }, { max_completion_tokens: 9 }, { max_completion_tokens: 9 }],
    ['only the job has it', { maxTokens: 5 }, {}, { max_tokens: 5 }],
    ['the typed setting beats extraBody', { maxTokens: 5, extraBody: { max_completion_tokens: 7 } }, {}, { max_tokens: 5 }],
    ['extraBody gives way to the row', { extraBody: { max_completion_tokens: 7 } }, { max_tokens: 9 }, { max_tokens: 9 }],
    ['both are above the limit', { maxTokens: 500 }, { max_completion_tokens: 900_000 }, { max_completion_tokens: 100 }],
    ['the job is above the limit', { maxTokens: 500 }, {}, { max_tokens: 100 }],
    ['a null is a choice, too', { temperature: 1 }, { temperature: null }, { temperature: null }],
  ] as const)('%s', (_, job, row, expected) => {
    const made = make(job, { custom_id: 'a', body: { ...row, messages: [] } }, { maxTokensLimit: 100 }).body;
    expect(made).toEqual({ model: 'tickets', messages: [], ...expected });
  });
});

describe('the system prompt', () => {
  const of = (messages: string) =>
    make({ systemPrompt: 'Be "brief".' }, `{"custom_id":"a","body":{"messages":${messages}}}`).body['messages'];
  const prompt = { role: 'system', content: 'Be "brief".' };

  test.each([
    ['[{"role":"user","content":"a"}]', [prompt, { role: 'user', content: 'a' }]],
    ['[ ]', [prompt]],
    ['[{"role":"system","content":"mine"}]', [{ role: 'system', content: 'mine' }]],
    ['[{"role":"s\\u0079stem","content":"mine"}]', [{ role: 'system', content: 'mine' }]],
    ['[{"role":"system","content":"a","role":"user"}]', [prompt, { role: 'user', content: 'a' }]],
    [
      '[{"role":"user","content":"a"},{"role":"system","content":"b"}]',
      [prompt, { role: 'user', content: 'a' }, { role: 'system', content: 'b' }],
    ],
  ])('%s', (messages, expected) => {
    expect(of(messages)).toEqual(expected);
  });

  test('of two messages fields the last one counts, as when the row was checked', () => {
    const row =
      '{"custom_id":"a","body":{"messages":[{"role":"system","content":"x"}],"messages":[{"role":"user","content":"y"}]}}';
    expect(make({ systemPrompt: 'p' }, row).body['messages']).toEqual([
      { role: 'system', content: 'p' },
      { role: 'user', content: 'y' },
    ]);
  });
});

describe('formats', () => {
  const messages = [{ role: 'user', content: 'a' }];

  test('openai rows name their path, and method and url go no further', () => {
    const row = { custom_id: 'a', method: 'POST', url: '/v1/responses', body: { input: 'x', model: 'theirs' } };
    const made = make({ maxTokens: 5, topK: 3, systemPrompt: 'p' }, row, { format: 'openai' });
    expect(made).toMatchObject({ customId: '"a"', path: '/v1/responses' });
    expect(made.body).toEqual({ model: 'tickets', max_output_tokens: 5, instructions: 'p', input: 'x' });
  });

  test('a path with escaped slashes is the same path', () => {
    const row = '{"custom_id":"a","url":"\\/v1\\/embeddings","body":{"input":"x"}}';
    expect(make({ maxTokens: 5, n: 2, extraBody: { dimensions: 8 } }, row, { format: 'openai' })).toMatchObject({
      path: '/v1/embeddings',
      body: { model: 'tickets', input: 'x', dimensions: 8 },
    });
  });

  test.each([
    ['/v1/chat/completions', { messages: [] }, { max_tokens: 5, temperature: 1, top_k: 3, n: 2, seed: 1, tools: [], own: 1 }],
    ['/v1/completions', { prompt: 'x' }, { max_tokens: 5, temperature: 1, top_k: 3, n: 2, seed: 1, own: 1 }],
    ['/v1/responses', { input: 'x' }, { max_output_tokens: 5, temperature: 1, user: 'u', own: 1 }],
    ['/v1/embeddings', { input: 'x' }, { dimensions: 8, user: 'u', own: 1 }],
  ])('%s gets those of the settings that it has', (url, body, expected) => {
    const extraBody = { seed: 1, tools: [], dimensions: 8, user: 'u', own: 1 };
    const made = make(
      { maxTokens: 5, temperature: 1, topK: 3, n: 2, extraBody },
      { custom_id: 'a', url, body },
      { format: 'openai' },
    );
    expect(made.body).toMatchObject({ model: 'tickets', ...body, ...expected });
    expect(Object.keys(made.body).toSorted()).toEqual(
      ['model', ...Object.keys(body), ...Object.keys(expected), ...(url.includes('completions') ? ['user'] : [])].toSorted(),
    );
  });

  test('a limit of tokens goes by the endpoint’s name, wherever the job has it from', () => {
    const row = { custom_id: 'a', url: '/v1/responses', body: { input: 'x' } };
    const limited = make({ extraBody: { max_completion_tokens: 900 } }, row, { format: 'openai', maxTokensLimit: 100 });
    expect(limited.body).toEqual({ model: 'tickets', max_output_tokens: 100, input: 'x' });
    const own = make(
      { maxTokens: 5 },
      { ...row, body: { input: 'x', max_output_tokens: 900 } },
      { format: 'openai', maxTokensLimit: 100 },
    );
    expect(own.body).toEqual({ model: 'tickets', input: 'x', max_output_tokens: 100 });
  });

  test('responses take a system prompt as instructions, and are not left to run in the background', () => {
    const row = (body: object) => ({ custom_id: 'a', url: '/v1/responses', body: { input: 'x', ...body } });
    const made = (body: object) => make({ systemPrompt: 'p' }, row(body), { format: 'openai' }).body;
    expect(made({ background: true })).toEqual({ model: 'tickets', instructions: 'p', input: 'x' });
    expect(made({ instructions: 'own' })).toEqual({ model: 'tickets', instructions: 'own', input: 'x' });
  });

  test('bare rows get ids by their number, from 1', () => {
    const {
      customId,
      path,
      body: pieces,
    } = compileRequest({}, { ...options, format: 'bare' }).make(Buffer.from(JSON.stringify({ messages })), 41);
    expect([customId.toString(), path]).toEqual(['"row-42"', '/v1/chat/completions']);
    expect(JSON.parse(Buffer.concat(pieces).toString())).toEqual({ model: 'tickets', messages });
  });

  test('an id keeps its escapes and may lie behind the body', () => {
    expect(make({}, '{"body":{"messages":[]},"custom_id":"\\u0061\\n"}').customId).toBe('"\\u0061\\n"');
  });

  test.each(['', '{"custom_id":"a"}', '{"custom_id":"a","body":[]}', '{"custom_id":"a","body":{}'])(
    '%j can no longer be read',
    (line) => {
      expect(() => make({}, line)).toThrow(expect.objectContaining({ code: 'DATA_LOSS', reason: 'ROW_UNREADABLE' }));
    },
  );
});

describe('defaults of the model', () => {
  const row = { custom_id: 'a', body: { messages: [], top_p: 0.1 } };

  test('fill what neither the row nor the job sets', () => {
    const defaults = { temperature: 0.6, topP: 0.9, extraBody: { min_p: 0.05, stop: ['x'] } };
    const { body } = make({ temperature: 0.2 }, row, { defaults });
    expect(body).toEqual({ model: 'tickets', messages: [], top_p: 0.1, temperature: 0.2, min_p: 0.05, stop: ['x'] });
  });

  test('are beaten by the job under any name of a field, typed or not', () => {
    const defaults = { maxTokens: 100, temperature: 0.6 };
    const { body } = make({ extraBody: { max_completion_tokens: 7, temperature: 0 } }, row, { defaults });
    expect(body).toEqual({ model: 'tickets', messages: [], top_p: 0.1, max_completion_tokens: 7, temperature: 0 });
  });
});
