import type { BatchItem } from 'node-llama-cpp';
import { expect, test } from 'vitest';
import { BatchOrder, toPriority } from '../../../src/engines/embedded/batch-order.ts';

const item = (slot: number, tokens = 1): BatchItem => ({
  tokens: Array.from({ length: tokens }, () => 0 as never),
  logits: [],
  evaluationPriority: toPriority(slot),
});
const slotsOf = (batch: readonly { item: BatchItem }[]): number[] =>
  batch.map(({ item: { evaluationPriority } }) => evaluationPriority);

test('a batch is sorted by slot, whatever the order of arrival', () => {
  const batch = new BatchOrder().strategy({ items: [item(11), item(3), item(0), item(7)], size: 512 });
  expect(slotsOf(batch)).toEqual([0, 3, 7, 11]);
});

test('a batch waits for every active answer, but not for ever', async () => {
  const order = new BatchOrder();
  await order.enter();
  await order.enter();
  expect(order.strategy({ items: [item(1)], size: 512 })).toEqual([]);
  expect(order.strategy({ items: [item(1), item(0)], size: 512 })).toHaveLength(2);
  let rounds = 1;
  while (order.strategy({ items: [item(1)], size: 512 }).length === 0) rounds++;
  expect(rounds).toBeLessThan(100);
  order.leave();
  expect(order.strategy({ items: [item(1)], size: 512 })).toHaveLength(1);
});

test('every answer gets its one token, and prompts share the rest', () => {
  const amounts = new BatchOrder().strategy({ items: [item(0), item(1, 300), item(2), item(3, 300)], size: 512 });
  expect(amounts.map(({ processAmount }) => processAmount)).toEqual([1, 300, 1, 210]);
});

test('work that needs the context alone makes answers stand aside, and batches do not wait for them', async () => {
  const order = new BatchOrder();
  await order.enter();
  const { promise, resolve } = Promise.withResolvers<void>();
  const work = order.alone(() => promise);
  const passed: string[] = [];
  const aside = order.pass()?.then(() => passed.push('the one that stood aside'));
  const late = order.enter().then(() => passed.push('the one that came'));
  expect(order.strategy({ items: [item(5)], size: 512 })).toHaveLength(1);
  expect(passed).toEqual([]);
  resolve();
  await Promise.all([work, aside, late]);
  expect(passed).toHaveLength(2);
  expect(order.pass()).toBeUndefined();
});
