import { expect, test } from 'vitest';
import { type Capacity, chooseCapacity, chooseThreads } from '../../../src/engines/embedded/capacity.ts';

const needs = (facts: { modelBytes: number; trainedContext: number; availableBytes: number; bytesPerToken: number }) => ({
  ...facts,
  contextBytes: async ({ slots, contextSize }: Capacity) => slots * contextSize * facts.bytesPerToken,
});
const tiny = needs({ modelBytes: 1e6, trainedContext: 512, availableBytes: 8e9, bytesPerToken: 1_000 });
/** A 0.6B model with 8 key-value heads. */
const small = { modelBytes: 640e6, trainedContext: 40_960, bytesPerToken: 112_000 };

test('a tiny model gets 16 slots and its whole context', async () => {
  expect(await chooseCapacity({}, tiny)).toEqual({ slots: 16, contextSize: 512 });
});

test.each([
  [24e9, { slots: 8, contextSize: 4096 }],
  [4e9, { slots: 4, contextSize: 4096 }],
  [2.4e9, { slots: 4, contextSize: 2048 }],
  [1e9, { slots: 2, contextSize: 512 }],
])('with %d bytes free a 0.6B model gets %j', async (availableBytes, capacity) => {
  expect(await chooseCapacity({}, needs({ ...small, availableBytes }))).toEqual(capacity);
});

test('what is wished for is kept, and the rest shrinks', async () => {
  const scarce = needs({ ...small, availableBytes: 4e9 });
  expect(await chooseCapacity({ slots: 8 }, scarce)).toEqual({ slots: 8, contextSize: 2048 });
  expect(await chooseCapacity({ contextSize: 8192 }, scarce)).toEqual({ slots: 2, contextSize: 8192 });
  expect(await chooseCapacity({ slots: 3, contextSize: 100 }, scarce)).toEqual({ slots: 3, contextSize: 100 });
});

test('what fits nowhere is refused', async () => {
  await expect(chooseCapacity({}, needs({ ...small, availableBytes: 0.7e9 }))).rejects.toMatchObject({
    reason: 'MODEL_TOO_LARGE',
  });
  await expect(
    chooseCapacity({ slots: 64, contextSize: 40_960 }, needs({ ...small, availableBytes: 4e9 })),
  ).rejects.toMatchObject({ reason: 'MODEL_TOO_LARGE' });
});

test('one thread is left to the rest of the machine, and a tiny model takes one', () => {
  expect([chooseThreads(1e6, 16), chooseThreads(1e9, 16), chooseThreads(1e9, 1)]).toEqual([1, 15, 1]);
});
