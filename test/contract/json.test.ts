import { expect, test } from 'vitest';
import { z } from 'zod';
import { CreateDatasetRequest } from '../../src/contract/dataset.ts';
import { CreateJobRequest } from '../../src/contract/job.ts';
import { Duration, Flag, Float, Int32, Int64, parseWire, toDuration } from '../../src/contract/json.ts';

const misfitOf = (schema: z.ZodType, value: unknown) => {
  const parsed = parseWire(schema, value);
  return parsed.ok ? 'no misfit' : parsed.misfit.message;
};

test('camelCase and snake_case bodies read the same', () => {
  const camel = {
    inputDatasetId: 'in',
    inferenceParameters: { maxTokens: 5, topP: 0.5, extraBody: '{}' },
    maxJobDuration: '24h',
  };
  const snake = {
    input_dataset_id: 'in',
    inference_parameters: { max_tokens: 5, top_p: 0.5, extra_body: '{}' },
    max_job_duration: '86400s',
  };
  expect(parseWire(CreateJobRequest, camel)).toEqual(parseWire(CreateJobRequest, snake));
  expect(parseWire(CreateJobRequest, snake)).toMatchObject({ ok: true, value: { inputDatasetId: 'in', maxJobDuration: 86400 } });
});

test.each([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['t', true],
  ['1', true],
  ['', true],
  ['False', false],
  ['F', false],
  ['0', false],
])('the flag %j is %s, as Go and Python write it', (text, flag) => {
  expect(Flag.parse(text)).toBe(flag);
});

test.each(['yes', '2', 'tRuE '])('the flag %j is refused', (text) => {
  expect(Flag.safeParse(text).success).toBe(false);
});

test('a fraction may come as a string, and nothing that is none', () => {
  expect([Float.parse(0.5), Float.parse('0.5'), Float.parse('-1e-3'), Float.parse('2')]).toEqual([0.5, 0.5, -0.001, 2]);
  for (const bad of ['', ' 1', 'x', '1e999', 'NaN', 'Infinity', '0x10', null, true])
    expect(Float.safeParse(bad).success).toBe(false);
  expect(parseWire(CreateJobRequest, { inferenceParameters: { temperature: '0.7', topP: '2' } })).toMatchObject({ ok: false });
  expect(parseWire(CreateJobRequest, { inferenceParameters: { temperature: '0.7' } })).toMatchObject({
    value: { inferenceParameters: { temperature: 0.7 } },
  });
});

test('an unknown field is named, with its path', () => {
  expect(misfitOf(CreateJobRequest, { modle: 'x' })).toBe('unknown field "modle"');
  expect(misfitOf(CreateJobRequest, { inferenceParameters: { top_q: 1 } })).toBe('unknown field "inferenceParameters.top_q"');
});

test('read-only fields are ignored whatever they hold', () => {
  expect(parseWire(CreateDatasetRequest, { datasetId: 'a', dataset: { state: 7, createTime: 'x', create_time: 'y' } }).ok).toBe(
    true,
  );
});

test('null means absent', () => {
  expect(parseWire(CreateJobRequest, { model: 'm', displayName: null, inferenceParameters: { n: null } })).toEqual({
    ok: true,
    value: { model: 'm', inferenceParameters: {} },
  });
});

test('keys of free-form maps stay as they are', () => {
  const schema = z.strictObject({ filenameToSize: z.record(z.string(), z.string()) });
  expect(parseWire(schema, { filename_to_size: { 'my_file.jsonl': '1' } })).toEqual({
    ok: true,
    value: { filenameToSize: { 'my_file.jsonl': '1' } },
  });
});

test.each([
  ['86400s', 86400],
  ['24h', 86400],
  ['90m', 5400],
  ['1.5s', 2],
  ['48h0m0s', 172_800],
  ['1h30m', 5400],
])('the duration %s is %d seconds', (text, seconds) => {
  expect(Duration.parse(text)).toBe(seconds);
});

test.each(['', '24', 'h', '-1s', '1d', '1e3s'])('%j is no duration', (text) => {
  expect(Duration.safeParse(text).success).toBe(false);
});

test('a duration is written in seconds', () => {
  expect(toDuration(86400)).toBe('86400s');
});

test('64-bit integers come as strings or numbers', () => {
  expect([Int64.parse('12'), Int64.parse(12)]).toEqual([12, 12]);
  expect([Int64.safeParse('1.5').success, Int64.safeParse('9007199254740993').success]).toEqual([false, false]);
});

test('32-bit integers keep their bounds', () => {
  expect([Int32.parse(7), Int32.parse('7')]).toEqual([7, 7]);
  expect([Int32.safeParse(2 ** 31).success, Int32.safeParse(1.5).success]).toEqual([false, false]);
});

test.each([
  ['temperature', 2.1],
  ['topP', -0.1],
  ['topK', 101],
  ['n', 129],
  ['n', 0],
  ['maxTokens', 0],
])('%s = %d is refused by name', (field, value) => {
  expect(misfitOf(CreateJobRequest, { inferenceParameters: { [field]: value } })).toContain(
    `field "inferenceParameters.${field}"`,
  );
});

test('a body that is no object is refused as a whole', () => {
  expect(misfitOf(CreateJobRequest, [])).toMatch(/^the body can't be read/);
});

test.each([undefined, null])('a field that is needed and is %s is missing, in words for people', (model) => {
  expect(misfitOf(z.strictObject({ model: z.string() }), { model })).toBe('field "model" is missing: expected string');
  expect(misfitOf(z.strictObject({ row: z.strictObject({ model: z.string() }) }), { row: { model } })).toBe(
    'field "row.model" is missing: expected string',
  );
});

test.each([
  [Int32, 'expected a whole number of 32 bits'],
  [Int64, 'expected a whole number, such as "12"'],
  [Float, 'expected a number'],
])('letters in place of a number are refused by what was expected', (limit, expected) => {
  expect(misfitOf(z.strictObject({ limit }), { limit: 'abc' })).toBe(`field "limit" can't be read: ${expected}`);
});
