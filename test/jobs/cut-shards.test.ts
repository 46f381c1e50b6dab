import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutShards } from '../../src/jobs/cut-shards.ts';
import { orderRows } from '../../src/jobs/order-rows.ts';
import { decodePlan, encodePlan, PLAN_ENTRY_BYTES } from '../../src/jobs/plan-file.ts';
import { makeIndex } from './make-index.ts';

const identity = (count: number) => Uint32Array.from({ length: count }, (_, row) => row);

test('shards cover the plan without gap, within the limits', () => {
  const rows = fc.array(
    fc.record({ length: fc.integer({ min: 1, max: 50 }), steps: fc.array(fc.integer({ min: 1, max: 2 }), { maxLength: 3 }) }),
    { maxLength: 80 },
  );
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 200 }), (list, maxRows, maxBytes) => {
      const shards = cutShards(makeIndex(list), identity(list.length), { maxRows, maxBytes });
      let next = 0;
      for (const { first, count, bytes } of shards) {
        expect(first).toBe(next);
        expect(count).toBeGreaterThan(0);
        expect(count).toBeLessThanOrEqual(maxRows);
        expect(bytes).toBe(list.slice(first, first + count).reduce((sum, { length }) => sum + length, 0));
        if (count > 1) expect(bytes).toBeLessThanOrEqual(maxBytes);
        next += count;
      }
      expect(next).toBe(list.length);
    }),
  );
});

test('no shard mixes models', () => {
  const index = makeIndex([0, 0, 0, 2, 1, 1, 1, 1].map((model) => ({ model, steps: [1] })));
  const order = orderRows(index);
  expect(Array.from(order)).toEqual([0, 1, 2, 4, 5, 6, 7, 3]);
  const shards = cutShards(index, order, { maxRows: 3, maxBytes: 1e9 });
  expect(shards.map(({ first, count, model }) => [first, count, model])).toEqual([
    [0, 3, 0],
    [3, 3, 1],
    [6, 1, 1],
    [7, 1, 2],
  ]);
});

const countsOf = (groups: readonly number[], maxRows: number) => {
  const rows = groups.flatMap((size, group) => Array.from({ length: size }, () => ({ steps: [group + 1] })));
  return cutShards(makeIndex(rows), identity(rows.length), { maxRows, maxBytes: 1e9 }).map(({ count }) => count);
};

test.each([
  [[6, 6, 6], 10, [6, 6, 6]],
  [[10, 10], 10, [10, 10]],
  [[4, 3, 3, 4], 8, [7, 7]],
  [[25], 10, [10, 10, 5]],
  [[3, 20], 10, [10, 10, 3]],
  [[], 10, []],
])('groups of %j rows, at most %d together, are cut into %j', (groups, maxRows, counts) => {
  expect(countsOf(groups, maxRows)).toEqual(counts);
});

test('a cut falls where neighbours share least', () => {
  const deep = [
    [1, 2, 3],
    [1, 2, 3],
    [1, 2, 3],
    [1, 2, 3],
    [1, 2, 4],
    [1, 2, 4],
    [1, 5],
    [1, 5],
    [1, 5],
    [1, 5],
  ];
  const shards = cutShards(makeIndex(deep.map((steps) => ({ steps }))), identity(10), { maxRows: 7, maxBytes: 1e9 });
  expect(shards.map(({ count }) => count)).toEqual([6, 4]);
});

test('a plan comes back from its bytes, any range of it by itself', () => {
  const row = fc.record({ offset: fc.nat(Number.MAX_SAFE_INTEGER), length: fc.nat(0xffff_ffff) });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), fc.nat(30), fc.nat(30), (list, first, count) => {
      const order = identity(list.length).toReversed();
      const bytes = Buffer.concat([...encodePlan(makeIndex(list), order)]);
      const expected = Array.from(order, (number) => ({ row: number, ...list[number] }));
      expect(bytes.length).toBe(list.length * PLAN_ENTRY_BYTES);
      const part = bytes.subarray(first * PLAN_ENTRY_BYTES, (first + count) * PLAN_ENTRY_BYTES);
      expect(decodePlan(part)).toEqual(expected.slice(first, first + count));
    }),
  );
});

test('a long plan is written in blocks', () => {
  const count = 40_000;
  const blocks = [...encodePlan(makeIndex(Array.from({ length: count }, (_, row) => ({ offset: row * 3 }))), identity(count))];
  expect(blocks.map((block) => block.length / PLAN_ENTRY_BYTES)).toEqual([16_384, 16_384, 7_232]);
  expect(
    decodePlan(Buffer.concat(blocks)).every(({ row, offset }, position) => row === position && offset === position * 3),
  ).toBe(true);
});
