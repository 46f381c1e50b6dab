import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseOrder, expectedSharedShare, orderRows, sharedSteps } from '../../src/jobs/order-rows.ts';
import { readPlan } from '../../src/jobs/read-plan.ts';
import { LADDER_STEPS, type RowIndex } from '../../src/jobs/row-index.ts';
import { makeIndex } from './make-index.ts';

const order = (index: RowIndex, include?: (row: number) => boolean) => Array.from(orderRows(index, include));

/** Rows of a random tree: a step's value stands for the whole way to it, as the real hashes do. */
const rows = fc.array(
  fc.record({ path: fc.array(fc.integer({ min: 1, max: 2 }), { maxLength: LADDER_STEPS }), maxTokens: fc.nat(2) }),
  { maxLength: 60 },
);
const toIndex = (list: readonly { readonly path: readonly number[]; readonly maxTokens: number }[]) =>
  makeIndex(
    list.map(({ path, maxTokens }) => ({
      maxTokens,
      steps: path.map((_, step) => path.slice(0, step + 1).reduce((hash, turn) => Math.imul(hash, 31) + turn, 7) >>> 0),
    })),
  );

test('rows of each model are in the order that they would have alone, model after model', () => {
  fc.assert(
    fc.property(rows, fc.array(fc.nat(3), { minLength: 1, maxLength: 60 }), (list, choices) => {
      const modelOf = (row: number) => choices[row % choices.length] ?? 0;
      const alone = toIndex(list);
      const mixed = { ...alone, model: Uint32Array.from(list, (_, row) => modelOf(row)), models: 4 };
      expect(order(mixed)).toEqual([0, 1, 2, 3].flatMap((model) => order(alone, (row) => modelOf(row) === model)));
    }),
  );
});

test('the order has every included row once', () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 4 }), (list, modulus) => {
      const included = list.map((_, row) => row).filter((row) => row % modulus === 0);
      expect(order(toIndex(list), (row) => row % modulus === 0).toSorted((a, b) => a - b)).toEqual(included);
    }),
  );
});

test('rows that agree on a prefix lie side by side, at every step', () => {
  fc.assert(
    fc.property(rows, (list) => {
      const index = toIndex(list);
      const planned = order(index);
      for (const column of index.ladder) {
        const values = planned.map((row) => column[row] ?? 0);
        const runs = values.filter((value, position) => value !== 0 && value !== values[position - 1]);
        expect(new Set(runs).size).toBe(runs.length);
      }
    }),
  );
});

test('groups begin in the order in which the input begins them', () => {
  fc.assert(
    fc.property(rows, (list) => {
      const index = toIndex(list);
      const planned = order(index);
      // A group on the first step, or a row alone where the prompt is too short for it.
      const groupOf = (row: number) => index.ladder[0]?.[row] || `row ${row}`;
      const firsts = [...Map.groupBy(planned, groupOf).values()].map((group) => Math.min(...group));
      expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
    }),
  );
});

test('rows that share nothing stay in input order', () => {
  const index = makeIndex(
    Array.from({ length: 1000 }, (_, row) => ({ steps: [Math.imul(row + 1, 0x9e3779b1) >>> 0], maxTokens: row % 7 })),
  );
  expect(order(index)).toEqual(Array.from({ length: 1000 }, (_, row) => row));
  expect(order(makeIndex([{ maxTokens: 1 }, { maxTokens: 2 }]))).toEqual([0, 1]);
});

test('of rows that agree on everything, the largest max_tokens goes first, and input order decides the rest', () => {
  const maxTokens = [5, 9, 5, 0, 9];
  expect(order(makeIndex(maxTokens.map((value) => ({ steps: [3], maxTokens: value }))))).toEqual([1, 4, 0, 2, 3]);
  const full = Array.from({ length: LADDER_STEPS }, (_, step) => step + 1);
  expect(order(makeIndex(maxTokens.map((value) => ({ steps: full, maxTokens: value }))))).toEqual([1, 4, 0, 2, 3]);
});

const chunks = async function* (bytes: Buffer) {
  yield bytes;
};
const indexOf = async (bodies: readonly unknown[]) => {
  const bytes = Buffer.from(bodies.map((body, row) => JSON.stringify({ custom_id: `r${row}`, body })).join('\n'));
  const readAt = async () => bytes;
  return (await readPlan(chunks(bytes), { readAt, bareRows: false, systemPrompt: false })).rows;
};
const user = (content: string) => [{ role: 'user', content }];

test('shuffled questions about documents are dealt document by document, and the share of the documents is foretold', async () => {
  const bodies = Array.from({ length: 300 }, (_, row) => ({
    messages: user(`${`Document ${row % 30}: `.padEnd(4000, 'x')} Question ${row}?`),
  }));
  const index = await indexOf(bodies);
  const planned = orderRows(index);
  const expected = Array.from({ length: 300 }, (_, position) => Math.floor(position / 10) + 30 * (position % 10));
  expect(Array.from(planned)).toEqual(expected);
  // 270 of 300 rows find 2048 of about 4060 bytes; in input order none does.
  expect(expectedSharedShare(index, planned)).toBeCloseTo((270 * 2048) / index.promptBytes, 10);
  expect(expectedSharedShare(index, Uint32Array.from(bodies.keys()))).toBe(0);
});

test('another order than the input’s is taken only where caches gain by it', async () => {
  const document = (number: number): string => `Document ${number}: `.padEnd(4000, 'x');
  const ask = (documents: readonly number[]) =>
    indexOf(documents.map((number, row) => ({ messages: user(`${document(number)} ${row}?`) })));
  const asTheyCome = (index: RowIndex) => [...Array(index.count).keys()];

  const shuffled = await ask([0, 1, 2, 0, 1, 2]);
  const planned = chooseOrder(shuffled, (row) => row !== 3);
  expect(planned).toMatchObject({ by: 'prefix', shares: { input: 0 } });
  expect(planned.shares.prefix).toBeCloseTo((2 * 2048) / ((shuffled.promptBytes * 5) / 6), 2);
  expect(Array.from(planned.order)).toEqual([0, 1, 4, 2, 5]);

  const sorted = await ask([0, 0, 1, 1, 2, 2]);
  const kept = chooseOrder(sorted);
  expect(Array.from(kept.order)).toEqual(asTheyCome(sorted));
  expect(kept).toMatchObject({ by: 'input', shares: { input: kept.shares.prefix } });

  // Two of four hundred begin alike: half a percent of what is read.
  const rare = await ask(Array.from({ length: 400 }, (_, row) => (row === 399 ? 0 : row)));
  const unmoved = chooseOrder(rare);
  expect(unmoved.shares.prefix).toBeGreaterThan(unmoved.shares.input);
  expect(Array.from(unmoved.order)).toEqual(asTheyCome(rare));
});

test('rows with the same tools lie together, though their messages differ from the first byte', async () => {
  const tools = ['search', 'book'].map((name) => [{ type: 'function', function: { name, description: 'x'.repeat(100) } }]);
  const index = await indexOf(
    Array.from({ length: 6 }, (_, row) => ({ messages: user(`${row}`.repeat(100)), tools: tools[row % 2] })),
  );
  expect(order(index)).toEqual([0, 2, 4, 1, 3, 5]);
  expect(sharedSteps(index, 0, 2)).toBe(2);
});

test('prompts that differ in one byte agree on the steps before it and on none behind', async () => {
  const text = 'x'.repeat(9000);
  for (const at of [0, 30, 31, 95, 96, 200, 4000, 8100, 8500]) {
    const index = await indexOf([{ messages: user(text) }, { messages: user(`${text.slice(0, at)}y${text.slice(at + 1)}`) }]);
    const differsAt = '[{"role":"user","content":"'.length + at;
    const expected = Array.from({ length: LADDER_STEPS }, (_, step) => 64 << step).filter((bytes) => bytes <= differsAt).length;
    expect(sharedSteps(index, 0, 1)).toBe(expected);
  }
});
