import { expect, test } from 'vitest';
import { type ForecastFacts, forecast } from '../../src/jobs/forecast.ts';
import { estimateLongRows } from '../../src/jobs/long-rows.ts';
import { sumPlannedTokens } from '../../src/jobs/planned-tokens.ts';
import { makeIndex } from './make-index.ts';

const now = new Date('2026-03-01T10:00:00Z');
const NOTHING = { ok: 0, failed: 0, inputTokens: 0, outputTokens: 0, cachedTokens: 0, bytes: 0 };
const done = (ok: number, changes = {}) => ({
  ...NOTHING,
  ok,
  inputTokens: ok * 120,
  outputTokens: ok * 50,
  bytes: ok * 1_000,
  ...changes,
});

const makeFacts = (changes: Partial<ForecastFacts> = {}): ForecastFacts => ({
  planned: [{ model: 'm', rows: 1_000, inputTokens: 100_000, maxOutputTokens: 64_000 }],
  totalRows: 1_000,
  own: { progress: NOTHING, rowsPerSecond: undefined },
  past: undefined,
  now,
  ...changes,
});

test('before any row: what the text tells, and no more', () => {
  expect(forecast(makeFacts())).toEqual({
    basis: 'INPUT',
    inputTokens: 100_000,
    outputTokens: null,
    maxOutputTokens: 64_000,
    outputBytes: null,
    endsAt: null,
    models: [{ model: 'm', inputTokens: 100_000, outputTokens: null }],
  });
});

test('with an earlier job on the same model: its answers and its speed, but our own prompts', () => {
  const past = { progress: done(300, { failed: 100 }), rowsPerSecond: 10 };
  const { basis, inputTokens, outputTokens, endsAt } = forecast(makeFacts({ past }));
  expect({ basis, inputTokens, outputTokens }).toEqual({ basis: 'HISTORY', inputTokens: 100_000, outputTokens: 37_500 });
  expect(endsAt).toEqual(new Date(now.getTime() + 100_000));
});

test('once enough rows are done they tell, and the end follows the pace', () => {
  const past = { progress: done(300), rowsPerSecond: 10 };
  const few = forecast(makeFacts({ past, own: { progress: done(19), rowsPerSecond: 2 } }));
  expect(few).toMatchObject({ basis: 'HISTORY', endsAt: new Date(now.getTime() + (981 / 2) * 1000) });
  const enough = forecast(makeFacts({ past, own: { progress: done(200), rowsPerSecond: 2 } }));
  expect(enough).toMatchObject({ basis: 'ROWS', inputTokens: 120_000, outputTokens: 50_000, outputBytes: 1_000_000 });
  expect(enough.endsAt).toEqual(new Date(now.getTime() + 400_000));
});

test('rows that can not run count neither as done nor as to do', () => {
  const skipped = { totalRows: 1_500, own: { progress: { ...NOTHING, failed: 500 }, rowsPerSecond: undefined } };
  expect(forecast(makeFacts(skipped))).toMatchObject({ basis: 'INPUT', outputTokens: null });
  const going = { totalRows: 1_500, own: { progress: done(100, { failed: 500 }), rowsPerSecond: 1 } };
  expect(forecast(makeFacts(going))).toMatchObject({
    basis: 'ROWS',
    outputTokens: 50_000,
    endsAt: new Date(now.getTime() + 900_000),
  });
});

test('a pace that never ends has no end', () => {
  expect(forecast(makeFacts({ own: { progress: done(50), rowsPerSecond: 1e-15 } })).endsAt).toBeNull();
});

test('tokens of several models are told apart', () => {
  const planned = [
    { model: 'a', rows: 30, inputTokens: 9_000, maxOutputTokens: 300 },
    { model: 'b', rows: 10, inputTokens: 1_000, maxOutputTokens: null },
  ];
  const { models, maxOutputTokens } = forecast(
    makeFacts({ planned, totalRows: 40, own: { progress: done(40), rowsPerSecond: 1 } }),
  );
  expect(maxOutputTokens).toBeNull();
  expect(models).toEqual([
    { model: 'a', inputTokens: 4_320, outputTokens: 1_500 },
    { model: 'b', inputTokens: 480, outputTokens: 500 },
  ]);
});

test('rows longer than their model’s context are counted by model; an unknown context takes all', () => {
  const index = makeIndex([{ length: 401 }, { length: 400 }, { length: 900, model: 1 }, { length: 801 }]);
  expect(estimateLongRows(index, { order: Uint32Array.of(0, 1, 2), contextTokens: [100, undefined] })).toEqual([1, 0]);
  expect(estimateLongRows(index, { order: Uint32Array.of(0, 1, 2, 3), contextTokens: [200, 200] })).toEqual([1, 1]);
  // What a row asks for has to fit, too: its own, or else its job's.
  const asking = makeIndex([{ length: 200, maxTokens: 51 }, { length: 200 }, { length: 4, maxTokens: 99 }]);
  const options = { order: Uint32Array.of(0, 1, 2), contextTokens: [100] };
  expect(estimateLongRows(asking, options)).toEqual([1]);
  expect(estimateLongRows(asking, { ...options, maxTokens: 60 })).toEqual([2]);
});

test('a plan is summed by model: prompts by the length of their lines, limits from rows, then from the job, for every answer', () => {
  const index = makeIndex([
    { length: 100, promptBytes: 200, maxTokens: 10 },
    { length: 300, promptBytes: 600, maxTokens: 0 },
    { length: 400, promptBytes: 800, model: 1, maxTokens: 7 },
    { length: 200, promptBytes: 400, model: 1, maxTokens: 7 },
  ]);
  const models = ['one', 'two'];
  expect(sumPlannedTokens(index, { order: Uint32Array.of(1, 0, 2), settings: { maxTokens: 5, n: 2 }, models })).toEqual([
    { model: 'one', rows: 2, inputTokens: 200, maxOutputTokens: 30 },
    { model: 'two', rows: 1, inputTokens: 200, maxOutputTokens: 14 },
  ]);
  expect(sumPlannedTokens(index, { order: Uint32Array.of(1), settings: {}, models })).toEqual([
    { model: 'one', rows: 1, inputTokens: 150, maxOutputTokens: null },
  ]);
});
