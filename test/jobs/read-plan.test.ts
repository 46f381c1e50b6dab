import { describe, expect, test } from 'vitest';
import type { BadLine } from '../../src/jobs/bad-line.ts';
import { failureMessage } from '../../src/jobs/check-row.ts';
import { estimateLongRows } from '../../src/jobs/long-rows.ts';
import { type ReadPlanOptions, readPlan } from '../../src/jobs/read-plan.ts';
import { type PlannedModel, RowModels } from '../../src/jobs/row-models.ts';

const read = (input: string | Buffer, options: Partial<ReadPlanOptions> & { readonly chunkBytes?: number } = {}) => {
  const bytes = Buffer.from(input);
  const { chunkBytes = 64, ...rest } = options;
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  };
  const readAt = async (offset: number, length: number) => bytes.subarray(offset, offset + length);
  return readPlan(chunks(), { readAt, bareRows: false, systemPrompt: false, ...rest });
};

const inShort = ({ line, column, reason, message }: BadLine) => [line, column, reason, message];
const badLines = async (input: string | Buffer, options: Partial<ReadPlanOptions> = {}) =>
  (await read(input, options)).badLines.kept.map(inShort);

const TEXT = 'a string, or an array of strings, of token ids, or of arrays of token ids, none of them empty';
const MESSAGES = '[{"role":"user","content":"a"}]';
const withId = (body: string) => `{"custom_id":"a","body":${body}}`;
const withMessages = (messages: string) => withId(`{"messages":${messages}}`);
const good = (id: string) => `{"custom_id":${JSON.stringify(id)},"body":{"messages":${MESSAGES}}}`;

describe('good input', () => {
  test('rows are indexed by their place, whatever the layout of the file', async () => {
    const text = `\ufeff${good('a')}\r\n\n${good('b')}\n   \n${good('é')}`;
    const { rows, format, badLines, bytes: size, lines: count, blankLines } = await read(text);
    expect({ format, badLines, bytes: size, lines: count, blankLines }).toEqual({
      format: 'fireworks',
      badLines: { count: 0, kept: [] },
      bytes: Buffer.byteLength(text),
      lines: 5,
      blankLines: 2,
    });
    const bytes = Buffer.from(text);
    const lines = Array.from(rows.offset, (offset, row) => bytes.toString('utf8', offset, offset + (rows.length[row] ?? 0)));
    expect(lines).toEqual([good('a'), good('b'), good('é')]);
  });

  test('images and the like are no text: they are neither estimated nor warned of, while long text is', async () => {
    const long = 'x'.repeat(40_000);
    const url = `data:image/png;base64,${long}`;
    const said = (content: unknown) => withMessages(JSON.stringify([{ role: 'user', content }]));
    const rows = [
      said([{ type: 'text', text: 'What is it?' }]),
      said([
        { type: 'image_url', image_url: { url, detail: 'low' } },
        { type: 'input_audio', input_audio: { data: long } },
      ]),
      said([{ type: 'text', text: url }]),
      said(url),
      withId(JSON.stringify({ input: [{ role: 'user', content: [{ type: 'input_image', image_url: url }] }] })),
      withId(JSON.stringify({ input: [{ role: 'user', content: [{ type: 'input_text', text: url }] }, { content: url }] })),
    ];
    const longRows = async (...numbers: number[]) => {
      const { rows: index } = await read(numbers.map((row) => rows[row]).join('\n'), { chunkBytes: 1 << 20 });
      return {
        long: estimateLongRows(index, { order: Uint32Array.from(numbers.keys()), contextTokens: [1_000] })[0],
        tokens: index.estimatedTokens,
      };
    };
    expect(await longRows(0, 1, 4)).toEqual({ long: 0, tokens: expect.toSatisfy((tokens: number) => tokens < 200) });
    expect(await longRows(0, 2, 3, 1, 5)).toEqual({ long: 3, tokens: expect.toSatisfy((tokens: number) => tokens > 40_000) });
    expect((await read(good('a'))).rows.media).toBeUndefined();
  });

  test.each([
    ['{"max_tokens":7,"messages":%}', 7],
    ['{"max_completion_tokens":8,"messages":%}', 8],
    ['{"messages":%}', 0],
    ['{"max_tokens":"many","messages":%}', 0],
    ['{"max_tokens":-5,"messages":%}', 0],
    ['{"max_tokens":1e99,"messages":%}', 0xffff_ffff],
    ['{"max_tokens":12.5,"messages":%}', 12],
  ])('%s asks for %d tokens', async (body, maxTokens) => {
    const { rows, badLines: bad } = await read(withId(body.replace('%', MESSAGES)));
    expect([rows.maxTokens[0], bad.count]).toEqual([maxTokens, 0]);
  });

  test.each([
    withMessages('[{"role":"assistant","tool_calls":[]},{"role":"tool","content":"x","tool_call_id":"1"}]'),
    withMessages('[{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]}]'),
    withMessages('[{"role":"user","content":[{"type":"text","text":"x"}]},{"role":"assistant","content":""}]'),
    withMessages('[{"role":"us\\u0065r","content":"x"}]'),
    withMessages('[{"role":"developer","role":"system","content":5,"content":"x"}]'),
    '{"custom_id":5,"custom_id":"a","body":[],"body":{"messages":1,"messages":[{"role":"user","content":"a"}]}}',
    '{"cust\\u006fm_id":"a","bod\\u0079":{"m\\u0065ssages":[{"role":"user","content":"a"}]}}',
    withId('{"prompt_token_ids":[0,1,128000],"user":"x"}'),
    `{"custom_id":"a","method":"POST","body":{"model":"ignored","messages":${MESSAGES},"stream":true,"extra":{"deep":[{}]}}}`,
    `{"custom_id":"a","method":"POST","url":"\\/v1\\/chat\\/completions","body":{"messages":${MESSAGES}}}`,
    '{"custom_id":"a","url":"/v1/completions","body":{"prompt":"x"}}',
    '{"custom_id":"a","url":"/v1/completions","body":{"prompt":["x","y"]}}',
    '{"custom_id":"a","url":"/v1/completions","body":{"prompt":[1,2]}}',
    '{"custom_id":"a","url":"/v1/completions","body":{"prompt":[[1,2],[3]],"logprobs":2}}',
    '{"custom_id":"a","url":"/v1/embeddings","body":{"input":"x","dimensions":8}}',
    '{"custom_id":"a","url":"/v1/embeddings","body":{"input":["x"]}}',
    '{"custom_id":"a","url":"/v1/embeddings","body":{"input":[[1],[2,3]]}}',
    '{"custom_id":"a","url":"/v1/responses","body":{"input":"x","max_output_tokens":5}}',
    '{"custom_id":"a","url":"/v1/responses","body":{"input":[{"role":"user","content":"x"}]}}',
    '{"custom_id":"a","url":"/v1/responses","body":{"prompt":{"id":"x"}}}',
    `{"custom_id":"${'x'.repeat(1024)}","body":{"messages":${MESSAGES}}}`,
  ])('%s', async (line) => {
    expect(await badLines(line)).toEqual([]);
  });

  test('bare rows are rows where they are allowed', async () => {
    const {
      format,
      rows,
      badLines: bad,
    } = await read(`{"messages":${MESSAGES},"max_tokens":3}\n{"prompt_token_ids":[1]}`, { bareRows: true });
    expect([format, rows.count, rows.maxTokens[0], bad.count]).toEqual(['bare', 2, 3, 0]);
  });

  test('an empty file has no rows and no bad lines', async () => {
    expect(await read('')).toMatchObject({ format: 'fireworks', rows: { count: 0 }, badLines: { count: 0 }, lines: 0 });
  });
});

const ROLE_RULE = "must be 'system', 'user', 'assistant' or 'tool'";

describe('one bad line', () => {
  test.each<[line: string, column: number | undefined, reason: string, message: string]>([
    ['{"custom_id":"a","body":{]', 26, 'BROKEN_JSON', `broken JSON: expected a key in quotes or '}', but there is "]"`],
    ['{"custom_id":"é","body":{', 26, 'BROKEN_JSON', "broken JSON: expected a key in quotes or '}', but the line ends"],
    [`${good('a')}}`, 70, 'BROKEN_JSON', 'broken JSON: expected the end of the line, but there is "}"'],
    ['hello', 1, 'BROKEN_JSON', 'broken JSON: expected a value, but there is "h"'],
    [
      '{"a":"\u0001"}',
      7,
      'BROKEN_JSON',
      `broken JSON: expected a valid character of the string, or '"' at its end, but there is "\\u0001"`,
    ],
    ['[{"custom_id":"a"}]', undefined, 'NOT_AN_OBJECT', 'the line must be a JSON object, it is an array'],
    ['"a"', undefined, 'NOT_AN_OBJECT', 'the line must be a JSON object, it is a string'],
    ['null', undefined, 'NOT_AN_OBJECT', 'the line must be a JSON object, it is null'],
    ['{}', undefined, 'MISSING_CUSTOM_ID', 'the row has no custom_id'],
    ['{"body":{"messages":[]}}', undefined, 'MISSING_CUSTOM_ID', 'the row has no custom_id'],
    ['{"custom_id":5,"body":{}}', 14, 'INVALID_CUSTOM_ID', 'custom_id must be a string, it is a number'],
    ['{"custom_id":"","body":{}}', 14, 'INVALID_CUSTOM_ID', 'custom_id is empty'],
    [`{"custom_id":"${'x'.repeat(1025)}"}`, 14, 'INVALID_CUSTOM_ID', `custom_id "${'x'.repeat(32)}…" is 1025 bytes long`],
    ['{"custom_id":"a"}', undefined, 'MISSING_BODY', 'the row has no body'],
    [`{"custom_id":"a","messages":${MESSAGES}}`, undefined, 'MISSING_BODY', 'the row has no body'],
    [withId('[]'), 25, 'INVALID_BODY', 'body must be an object, it is an array'],
    [withId('"{}"'), 25, 'INVALID_BODY', 'body must be an object, it is a string'],
    [withId('{}'), undefined, 'MISSING_MESSAGES', 'the body has no messages'],
    [withId('{"prompt":"x"}'), undefined, 'MISSING_MESSAGES', 'the body has no messages'],
    [withMessages('{}'), 37, 'INVALID_MESSAGES', 'messages must be an array, it is an object'],
    [withMessages('[]'), 37, 'INVALID_MESSAGES', 'messages is empty'],
    [withMessages('["a"]'), 38, 'INVALID_MESSAGE', 'message 1 must be an object, it is a string'],
    [withMessages('[{"content":"a"}]'), 38, 'MISSING_ROLE', 'message 1 has no role'],
    [
      withMessages('[{"role":"user","content":"a"},{"role":"bot","content":"a"}]'),
      76,
      'INVALID_ROLE',
      `invalid role bot in message 2, ${ROLE_RULE}`,
    ],
    [
      withMessages('[{"role":"developer","content":"a"}]'),
      46,
      'INVALID_ROLE',
      `invalid role developer in message 1, ${ROLE_RULE}`,
    ],
    [withMessages('[{"role":5,"content":"a"}]'), 46, 'INVALID_ROLE', `invalid role 5 in message 1, ${ROLE_RULE}`],
    [withMessages('[{"role":"user"}]'), 38, 'MISSING_CONTENT', 'message 1 (user) has no content'],
    [
      withMessages('[{"role":"assistant","content":null,"tool_calls":null}]'),
      68,
      'MISSING_CONTENT',
      'message 1 (assistant) has no content',
    ],
    [withMessages('[{"role":"user","tool_calls":[]}]'), 38, 'MISSING_CONTENT', 'message 1 (user) has no content'],
    [
      withMessages('[{"role":"user","content":5}]'),
      63,
      'INVALID_CONTENT',
      'content of message 1 must be a string or an array of parts, it is a number',
    ],
    [
      withId(`{"messages":${MESSAGES},"prompt_token_ids":[1]}`),
      88,
      'MESSAGES_AND_TOKEN_IDS',
      'the body has both messages and prompt_token_ids',
    ],
    ...['[]', '[1,-2]', '[1.5]', '["1"]', '5'].map((ids): [string, number, string, string] => [
      withId(`{"prompt_token_ids":${ids}}`),
      45,
      'INVALID_TOKEN_IDS',
      'prompt_token_ids must be an array of at least one whole number, none below 0',
    ]),
    ['{"custom_id":"a","url":"/v1/images","body":{}}', 24, 'INVALID_URL', 'url is "/v1/images"'],
    ['{"custom_id":"a","url":null,"body":{}}', 24, 'INVALID_URL', 'url is null'],
    ['{"custom_id":"a","method":"GET","url":"/v1/responses","body":{}}', 27, 'INVALID_METHOD', 'method is "GET"'],
    ...[
      ['5', 'it is a number'],
      ['null', 'it is null'],
      ['[]', 'it is an array'],
      ['[[]]', 'it is an array'],
      ['["a",1]', 'it is an array'],
      ['[1.5]', 'it is an array'],
      ['[[1],2]', 'it is an array'],
      ['[{}]', 'it is an array of objects'],
    ].flatMap(([value, found]): [string, number, string, string][] => [
      [
        `{"custom_id":"a","url":"/v1/completions","body":{"prompt":${value}}}`,
        59,
        'INVALID_PROMPT',
        `prompt must be ${TEXT}; ${found}`,
      ],
      [
        `{"custom_id":"a","url":"/v1/embeddings","body":{"input":${value}}}`,
        57,
        'INVALID_INPUT',
        `input must be ${TEXT}; ${found}`,
      ],
    ]),
    [
      '{"custom_id":"a","url":"/v1/responses","body":{"input":["x"]}}',
      56,
      'INVALID_INPUT',
      'input must be a string or an array of objects, none of them empty; it is an array of strings',
    ],
    ['{"custom_id":"a","url":"/v1/responses","body":{"prompt":"x"}}', undefined, 'MISSING_INPUT', 'the body has no input'],
    ['{"custom_id":"a","url":"/v1/completions","body":{"messages":[]}}', undefined, 'MISSING_PROMPT', 'the body has no prompt'],
    ['{"custom_id":"a","url":"/v1/embeddings","body":{"prompt":"a"}}', undefined, 'MISSING_INPUT', 'the body has no input'],
    [`{"messages":${MESSAGES}}`, undefined, 'BARE_ROW', 'the row is a request body alone, without custom_id'],
  ])('%s', async (line, column, reason, message) => {
    expect(await badLines(`\n${line}\n`)).toEqual([[2, column, reason, message]]);
    const [kept] = (await read(line)).badLines.kept;
    expect(kept?.remedy).toMatch(/^[A-Z].*\.$/);
  });

  test('token ids leave no place for a system prompt', async () => {
    const line = withId('{"prompt_token_ids":[1]}');
    expect(await badLines(line, { systemPrompt: true })).toEqual([
      [1, 45, 'SYSTEM_PROMPT_WITH_TOKEN_IDS', 'the job has a system prompt, which prompt_token_ids leave no place for'],
    ]);
  });

  test('a line that is not UTF-8 is found, in a chunk of others or cut by chunks', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`${good('a')}\n`),
      Buffer.from(good('\xe9'), 'latin1'),
      Buffer.from(`\n${good('b')}`),
    ]);
    for (const chunkBytes of [1, 30, 1000]) {
      const { badLines: bad, rows } = await read(bytes, { chunkBytes });
      expect([bad.kept.map(inShort), rows.count]).toEqual([[[2, undefined, 'NOT_UTF8', 'the line is not valid UTF-8']], 3]);
    }
  });

  test('a line above the limit is a bad line, and the next ones are read', async () => {
    const bad = await badLines(`${good('a')}\n${good('b'.repeat(60))}\n${good('c')}`, { maxLineBytes: 100 });
    expect(bad).toEqual([[2, undefined, 'LINE_TOO_LONG', 'the line is longer than 100 bytes']]);
  });
});

describe('formats', () => {
  const openai = `{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{"messages":${MESSAGES}}}`;
  const bare = `{"messages":${MESSAGES}}`;
  const SHAPES = {
    [good('a')]: '{"custom_id": …, "body": …}',
    [openai]: '{"custom_id": …, "method": "POST", "url": …, "body": …}',
    [bare]: '{"messages": …}',
  };

  test.each([
    [good('a'), openai, 40],
    [openai, good('a'), undefined],
    [good('a'), bare, undefined],
    [bare, good('a'), undefined],
    [bare, openai, 40],
  ])('the first row decides: after %s a bad line is %s', async (first, second, column) => {
    const message = `the row is written as ${SHAPES[second]}, the first one as ${SHAPES[first]}`;
    expect(
      await badLines(`${first}\n${second}\n${first.replace('"a"', '"c"').replace('"b"', '"d"')}`, { bareRows: true }),
    ).toEqual([[2, column, 'MIXED_FORMATS', message]]);
  });

  test('a line without a shape decides nothing', async () => {
    expect(await read(`{"broken\n[1]\n{}\n${openai}`)).toMatchObject({ format: 'openai', badLines: { count: 3 } });
  });

  test('a bare row that is not allowed decides nothing', async () => {
    expect(await read(`${bare}\n${good('a')}`)).toMatchObject({ format: 'fireworks', badLines: { count: 1 } });
  });
});

describe('a job with an endpoint', () => {
  const endpoint = '/v1/embeddings';
  const row = (changes: object) =>
    JSON.stringify({ custom_id: 'a', method: 'POST', url: endpoint, body: { input: 'x' }, ...changes });

  test('takes rows that go there', async () => {
    expect(await badLines(`${row({})}\n${row({ custom_id: 'b' })}`, { endpoint })).toEqual([]);
    expect((await read('', { endpoint })).format).toBe('openai');
  });

  test.each([
    [row({ url: undefined }), undefined, 'MISSING_URL', 'the row has no url'],
    [row({ method: undefined }), undefined, 'MISSING_METHOD', 'the row has no method'],
    [row({ method: null }), 27, 'INVALID_METHOD', 'method is null'],
    [
      row({ url: '/v1/completions', body: { prompt: 'x' } }),
      40,
      'URL_MISMATCH',
      'url is "/v1/completions", the endpoint of the job is "/v1/embeddings"',
    ],
    [row({ url: '/v1/images' }), 40, 'INVALID_URL', 'url is "/v1/images"'],
    [row({ body: undefined }), undefined, 'MISSING_BODY', 'the row has no body'],
    [good('a'), undefined, 'MISSING_URL', 'the row has no url'],
    ['{"input":"x"}', undefined, 'MISSING_CUSTOM_ID', 'the row has no custom_id'],
    ['{"messages":[]}', undefined, 'MISSING_CUSTOM_ID', 'the row has no custom_id'],
  ])('says of %s what it lacks', async (line, column, reason, message) => {
    const lines = [row({ custom_id: 'first' }), line, row({ custom_id: 'last' })].join('\n');
    expect(await badLines(lines, { endpoint })).toEqual([[2, column, reason, message]]);
    expect((await badLines(line, { endpoint })).map(([, , found]) => found)).toEqual([reason]);
  });
});

describe('rows that name models', () => {
  const known: readonly PlannedModel[] = [
    { name: 'accounts/me/models/a', served: true, precision: 'FP8' },
    { name: 'accounts/me/models/b', served: true, precision: 'FP8', paths: ['/v1/completions'] },
    { name: 'accounts/me/models/c', served: false, precision: 'FP8' },
  ];
  const asked: string[] = [];
  const find = (name: string) => {
    asked.push(name);
    return known.find((model) => model.name.endsWith(name));
  };
  let id = 0;
  const row = (model: unknown, url = '/v1/completions') =>
    JSON.stringify({ custom_id: String(id++), method: 'POST', url, body: { prompt: 'x', input: 'x', model } });

  test('are told apart by model, each name looked up once', async () => {
    const models = new RowModels({ find });
    const names = ['b', 'a', 'a', 'models/a', 'b', 'models/b', 'a'];
    const { rows, badLines: bad } = await read(names.map((name) => row(name)).join('\n'), { models });
    expect([bad.count, Array.from(rows.model), rows.models]).toEqual([0, [0, 1, 1, 1, 0, 0, 1], 2]);
    expect(models.found.map(({ name }) => name)).toEqual(['accounts/me/models/b', 'accounts/me/models/a']);
    expect(asked.splice(0)).toEqual(['b', 'a', 'models/a', 'models/b']);
  });

  test('run on the job’s where they name none', async () => {
    const models = new RowModels({ own: known[1], find });
    const { rows } = await read([row(undefined), row('a'), row('b')].join('\n'), { models });
    expect([Array.from(rows.model), models.found.length]).toEqual([[0, 1, 0], 2]);
  });

  test('are bad where nobody can answer them', async () => {
    const models = new RowModels({ find });
    const lines = [
      row(undefined),
      row(null),
      row('z'),
      row('c'),
      row('z'),
      row('b', '/v1/embeddings'),
      row('a', '/v1/embeddings'),
    ];
    expect((await badLines(lines.join('\n'), { models })).map(([line, , reason]) => [line, reason])).toEqual([
      [1, 'MISSING_MODEL'],
      [2, 'INVALID_MODEL'],
      [3, 'MODEL_NOT_FOUND'],
      [4, 'MODEL_NOT_SERVED'],
      [5, 'MODEL_NOT_FOUND'],
      [6, 'ENDPOINT_NOT_SERVED'],
    ]);
    expect(models.unsure.map(({ name }) => name)).toEqual(['accounts/me/models/a']);
    expect(models.learn('accounts/me/models/a', ['/v1/embeddings'])).toBe(true);
    expect(models.unsure).toEqual([]);
  });

  test('are judged again when a model turns out to answer less', async () => {
    const models = new RowModels({ own: known[0] });
    const lines = [row('b', '/v1/embeddings'), row('b', '/v1/completions')].join('\n');
    expect(await badLines(lines, { models })).toEqual([]);
    expect(models.learn('accounts/me/models/a', ['/v1/completions'])).toBe(false);
    expect(await badLines(lines, { models })).toEqual([
      [
        1,
        lines.indexOf('"model"') + 9,
        'ENDPOINT_NOT_SERVED',
        'accounts/me/models/a answers /v1/completions, not /v1/embeddings',
      ],
    ]);
  });

  test('fill no memory with names that nobody knows', async () => {
    const models = new RowModels({ find });
    const names = Array.from({ length: 3_000 }, (_, at) => `name-${at}`);
    const { badLines: bad } = await read([...names, ...names].map((name) => row(name)).join('\n'), {
      models,
      chunkBytes: 65_536,
    });
    expect(bad.count).toBe(6_000);
    // The first thousand are remembered, the others asked for again.
    expect(asked.splice(0).filter((name) => name.startsWith('name-')).length).toBe(3_000 + 2_000);
  });
});

describe('custom ids that come twice', () => {
  const again = (first: number, line: number, id = '"a"') => `custom_id ${id} is on line ${first} and again on line ${line}`;

  test('every later line names itself and the first one', async () => {
    const text = [good('a'), '', good('b'), good('a'), '', '', good('a'), good('b')].join('\n');
    expect(await badLines(text)).toEqual([
      [4, 14, 'DUPLICATE_CUSTOM_ID', again(1, 4)],
      [7, 14, 'DUPLICATE_CUSTOM_ID', again(1, 7)],
      [8, 14, 'DUPLICATE_CUSTOM_ID', again(3, 8, '"b"')],
    ]);
  });

  test('ids that are written differently are the same id', async () => {
    const escaped = good('é').replace('é', '\\u00e9');
    expect(await badLines(`${good('é')}\n${escaped}`)).toEqual([[2, 14, 'DUPLICATE_CUSTOM_ID', again(1, 2, '"é"')]]);
    expect(await badLines(`${good('Ã©')}\n${escaped}\n${good('\\u00e9')}`)).toEqual([]);
  });

  test('a bad line counts as the first one, and a bad line is not bad twice', async () => {
    const bad = good('a').replace('user', 'bot');
    expect((await badLines(`${bad}\n${good('a')}\n${bad}`)).map(([line, , reason]) => [line, reason])).toEqual([
      [1, 'INVALID_ROLE'],
      [2, 'DUPLICATE_CUSTOM_ID'],
      [3, 'INVALID_ROLE'],
    ]);
  });

  test('100,000 different ids are different, and one that is not is found among them', async () => {
    const lines = Array.from({ length: 100_000 }, (_, row) => good(`request-${row}`));
    const options = { chunkBytes: 65_536 };
    expect((await read(lines.join('\n'), options)).badLines.count).toBe(0);
    lines[77_777] = good('request-5');
    expect((await read(lines.join('\n'), options)).badLines.kept.map(inShort)).toEqual([
      [77_778, 14, 'DUPLICATE_CUSTOM_ID', again(6, 77_778, '"request-5"')],
    ]);
  });

  test('a file that was joined with itself is counted, and read back only for what is kept', async () => {
    const half = `${Array.from({ length: 5000 }, (_, row) => good(`r${row}`)).join('\n')}\n`;
    const bytes = Buffer.from(half + half);
    let reads = 0;
    const readAt = async (offset: number, length: number) => {
      reads++;
      return bytes.subarray(offset, offset + length);
    };
    const { badLines: bad } = await read(bytes, { readAt, maxBadLines: 10, chunkBytes: 65_536 });
    expect([bad.count, bad.kept.length, reads]).toEqual([5000, 10, 20]);
    expect(bad.kept[9]?.message).toBe(again(10, 5010, '"r9"'));
  });
});

describe('many bad lines', () => {
  test('the first ones are kept in the order of the file, and all are counted', async () => {
    const lines = ['{}', good('a'), good('a'), '{}', '{}', good('a')];
    const { badLines: bad, rows } = await read(lines.join('\n'), { maxBadLines: 3 });
    expect(bad.count).toBe(5);
    expect(bad.kept.map(({ line }) => line)).toEqual([1, 3, 4]);
    expect(rows.count).toBe(6);
  });

  test("the job's sentence names the first line and how many more there are", async () => {
    const bad = `${good('a').replace('user', 'bot')}\n`;
    const sentence = `Dataset has a syntax error: chat dataset validation failed on in.jsonl:1: invalid role bot in message 1, ${ROLE_RULE}`;
    const of = async (text: string) => failureMessage('in.jsonl', (await read(text)).badLines);
    expect(await of(bad)).toBe(sentence);
    expect(await of(bad + bad)).toBe(`${sentence} (and 1 more bad line)`);
    expect(await of(bad.repeat(2500))).toBe(`${sentence} (and 2499 more bad lines)`);
  });
});

test('progress is told as bytes and rows, and a signal stops the reading', async () => {
  const text = `${good('a')}\n${good('b')}\n`;
  const told: number[][] = [];
  await read(text, { chunkBytes: text.length / 2, onProgress: (...progress) => told.push(progress) });
  expect(told).toEqual([
    [text.length / 2, 1],
    [text.length, 2],
  ]);
  const stop = new AbortController();
  const reading = read(text, {
    chunkBytes: 10,
    signal: stop.signal,
    onProgress: (bytes) => bytes === 30 && stop.abort(new Error('stopped')),
  });
  await expect(reading).rejects.toThrow('stopped');
});
