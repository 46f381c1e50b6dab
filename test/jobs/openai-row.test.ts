import fc from 'fast-check';
import { expect, test } from 'vitest';
import { growthOf, toOpenaiRow, toUnfinishedRow } from '../../src/jobs/openai-row.ts';
import { toFailure, toResult } from '../../src/jobs/result-row.ts';

const JOB = '7b0c9c1e-0f0a-4c53-9d3a-5f8f0f0f0f0f';
const success = (customId: string, body: string): Buffer => {
  const result = toResult(Buffer.from(JSON.stringify(customId)), {
    kind: 'answer',
    status: 200,
    headers: {},
    body: Buffer.from(body),
  });
  if (result.kind !== 'success') throw new Error(result.kind);
  return result.line;
};

const failure = (customId: string, code = 429) =>
  toFailure(Buffer.from(JSON.stringify(customId)), { code, message: 'slow down', type: 'rate_limit' }).line;

test('an answer keeps its bytes', () => {
  const body = '{"id":"c-1", "choices":[ {"message":{"content":"ä\\u00e4"}} ],"n":1e2}';
  const line = toOpenaiRow(success('row "1"', body), 'success', JOB);
  expect(line.toString()).toContain(`"body":${body}},"error":null}\n`);
  expect(JSON.parse(line.toString())).toEqual({
    id: expect.stringMatching(/^batch_req_[0-9a-f]{24}$/),
    custom_id: 'row "1"',
    response: { status_code: 200, request_id: expect.stringMatching(/^req_[0-9a-f]{24}$/), body: JSON.parse(body) },
    error: null,
  });
});

test('a failure is a response with its status and an error body', () => {
  expect(JSON.parse(toOpenaiRow(failure('a'), 'failure', JOB).toString())).toEqual({
    id: expect.stringMatching(/^batch_req_[0-9a-f]{24}$/),
    custom_id: 'a',
    response: {
      status_code: 429,
      request_id: expect.stringMatching(/^req_[0-9a-f]{24}$/),
      body: { error: { message: 'slow down', type: 'rate_limit', param: null, code: null } },
    },
    error: null,
  });
  expect(JSON.parse(toOpenaiRow(failure('a', 302), 'failure', JOB).toString()).response.status_code).toBe(502);
});

test('a row without an id has ids of its own all the same', () => {
  const lineOf = (place: string) =>
    toFailure(Buffer.from('null'), { code: 400, message: `Invalid row on ${place}`, type: 'invalid_row' }).line;
  const rows = ['line 1', 'line 2'].map((place) => JSON.parse(toOpenaiRow(lineOf(place), 'failure', JOB).toString()));
  expect(rows.map(({ custom_id }) => custom_id)).toEqual([null, null]);
  expect(rows[0].id).not.toBe(rows[1].id);
});

test('a row that never ran says why', () => {
  const codeOf = (outcome: 'EXPIRED' | 'CANCELLED' | 'FAILED') => {
    const row = JSON.parse(toUnfinishedRow(Buffer.from('"a"'), outcome, JOB).toString());
    expect(row).toMatchObject({ custom_id: 'a', response: null, error: { message: expect.stringContaining('not') } });
    return row.error.code;
  };
  expect([codeOf('EXPIRED'), codeOf('CANCELLED'), codeOf('FAILED')]).toEqual([
    'batch_expired',
    'batch_cancelled',
    'batch_failed',
  ]);
});

test('the id of a row is its own in its job, the same whatever became of it', () => {
  const idOf = (line: Buffer): string => JSON.parse(line.toString()).id;
  const id = idOf(toOpenaiRow(failure('a'), 'failure', JOB));
  expect(idOf(toOpenaiRow(success('a', '{"data":[]}'), 'success', JOB))).toBe(id);
  expect(idOf(toUnfinishedRow(Buffer.from('"a"'), 'EXPIRED', JOB))).toBe(id);
  expect(idOf(toOpenaiRow(failure('b'), 'failure', JOB))).not.toBe(id);
  expect(idOf(toOpenaiRow(failure('a'), 'failure', JOB.replace('7', '8')))).not.toBe(id);
});

test('every row grows by the same number of bytes and keeps its meaning', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'binary' }), fc.json(), (customId, json) => {
      const line = success(customId, `{"choices":[${json}]}`);
      const row = toOpenaiRow(line, 'success', JOB);
      expect(row.length - line.length).toBe(growthOf('success'));
      expect(JSON.parse(row.toString())).toMatchObject({
        custom_id: JSON.parse(JSON.stringify(customId)),
        response: { body: JSON.parse(line.toString()).response },
      });
    }),
  );
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 300, max: 599 }), fc.string(), (customId, code, message) => {
      const { line } = toFailure(Buffer.from(JSON.stringify(customId)), { code, message, type: 'x' });
      const row = toOpenaiRow(line, 'failure', JOB);
      expect(row.length - line.length).toBe(growthOf('failure'));
      expect(JSON.parse(row.toString()).response.body.error.message).toBe(message);
    }),
  );
});
