import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ResultRow, toFailure, toResult } from '../../src/jobs/result-row.ts';

const ID = Buffer.from('"row-7"');
const answer = (status: number, body: string | Buffer) =>
  toResult(ID, { kind: 'answer', status, headers: {}, body: Buffer.from(body) });
const lineOf = (result: ReturnType<typeof toResult>) => JSON.parse((result as ResultRow).line.toString());

const CHAT = {
  id: 'chatcmpl-1',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Lyon.\nYes, "Lyon".' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 31, total_tokens: 34, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 16 } },
};

test('a reply becomes a success with its tokens', () => {
  const { line, ...rest } = answer(200, JSON.stringify(CHAT)) as ResultRow;
  expect(rest).toEqual({ kind: 'success', inputTokens: 31, outputTokens: 3, cachedTokens: 16 });
  expect(line.toString()).toBe(`{"custom_id":"row-7","response":${JSON.stringify(CHAT)}}\n`);
});

test('every JSON object that holds an answer becomes one line that says the same, however it is laid out', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constantFrom(undefined, 2, '\t'),
      fc.constantFrom('', '\n', '\r\n'),
      (others, indent, around) => {
        const text = JSON.stringify({ ...others, data: [] }, undefined, indent);
        const result = answer(200, around + text.replaceAll('\n', `${around}\n`) + around) as ResultRow;
        expect(result.kind).toBe('success');
        expect([result.line.indexOf('\n'), result.line.indexOf('\r')]).toEqual([result.line.length - 1, -1]);
        expect(lineOf(result)).toEqual({ custom_id: 'row-7', response: JSON.parse(text) });
      },
    ),
  );
});

test("the engine's bytes are left alone", () => {
  const body = Buffer.from('{"choices":\n[]}');
  toResult(ID, { kind: 'answer', status: 200, headers: {}, body });
  expect(body.toString()).toBe('{"choices":\n[]}');
});

test.each([
  [{ input_tokens: 5, output_tokens: 6, input_tokens_details: { cached_tokens: 2 } }, [5, 6, 2]],
  [{ prompt_tokens: 5, total_tokens: 5 }, [5, 0, 0]],
  [{ prompt_tokens: 5, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 9 } }, [5, 1, 5]],
  [{ prompt_tokens: -1, completion_tokens: 'x', prompt_tokens_details: null }, [0, 0, 0]],
  [{ prompt_tokens: 1e300, completion_tokens: 2.6 }, [0, 3, 0]],
  [{ prompt_tokens: 100_000_001, completion_tokens: 100_000_000 }, [0, 100_000_000, 0]],
  [null, [0, 0, 0]],
  ['many', [0, 0, 0]],
])('usage %j counts as %j', (usage, tokens) => {
  const { inputTokens, outputTokens, cachedTokens } = answer(200, JSON.stringify({ usage, choices: [] })) as ResultRow;
  expect([inputTokens, outputTokens, cachedTokens]).toEqual(tokens);
});

test.each([
  '',
  '[]',
  '"text"',
  '{"choices":[',
  '<html>',
  '{"choices":[]} trailing',
  '{}',
  '{"hello":["world"]}',
  '{"choices":"none","data":{"0":[]},"output":null}',
  Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
])('a 200 with %j is broken, not a result', (body) => {
  const result = answer(200, body);
  expect(result.kind).toBe('broken');
  expect(result).toHaveProperty('message', expect.stringContaining('The engine answered 200 OK with'));
});

test.each([
  [
    400,
    '{"error":{"message":"Extra inputs","type":"BadRequest","code":"x"}}',
    { code: 400, message: 'Extra inputs', type: 'BadRequest' },
  ],
  [
    422,
    '{"detail":[{"loc":["body","n"],"msg":"too small"},{"loc":["body"],"msg":"bad"}]}',
    { code: 422, message: 'body.n: too small; body: bad', type: 'invalid_request_error' },
  ],
  [404, '{"error":"model \'x\' not found"}', { code: 404, message: "model 'x' not found", type: 'invalid_request_error' }],
  [500, 'worker died\n', { code: 500, message: 'worker died', type: 'server_error' }],
  [
    413,
    '',
    { code: 413, message: 'The engine answered 413 Payload Too Large without a message.', type: 'invalid_request_error' },
  ],
  [200, '{"error":{"message":"moderated","code":403}}', { code: 403, message: 'moderated', type: 'invalid_request_error' }],
  [200, '{"error":"upstream fell over"}', { code: 502, message: 'upstream fell over', type: 'server_error' }],
])('a %d with %s is a failure in the words of the engine', (status, body, error) => {
  const { line, ...rest } = answer(status, body) as ResultRow;
  expect(rest).toEqual({ kind: 'failure', inputTokens: 0, outputTokens: 0, cachedTokens: 0 });
  expect(line.toString()).toBe(`${JSON.stringify({ custom_id: 'row-7', error })}\n`);
});

test('a reply with an empty error field is a success', () => {
  expect(answer(200, '{"output":[],"error":null}').kind).toBe('success');
  expect(answer(200, '{"choices":[],"error":{"message":"late"}}').kind).toBe('success');
});

test('a message is cut at 10,000 characters, between characters', () => {
  const { line } = toFailure(ID, { code: 400, message: '😀'.repeat(9000), type: 'x' });
  const { message } = JSON.parse(line.toString()).error;
  expect([message.length, message.isWellFormed(), message.at(-1)]).toEqual([10_000, true, '…']);
});
