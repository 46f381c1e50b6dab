import { expect, test } from 'vitest';
import { Budget, readTotalTokens } from '../../src/engines/budget.ts';

const MINUTE_MS = 60_000;

/** Sends whenever it may, for so many minutes; answers how many left. */
function sendFor(budget: Budget, minutes: number, tokens?: number): number {
  let sent = 0;
  for (let nowMs = 0; nowMs < minutes * MINUTE_MS; ) {
    const opensAtMs = budget.opensAtMs(nowMs);
    if (opensAtMs > nowMs) {
      nowMs = opensAtMs;
      continue;
    }
    budget.spend(nowMs);
    budget.settle(tokens, nowMs);
    sent += 1;
  }
  return sent;
}

test.each([1, 7, 60, 10_000])('%d requests a minute and a burst of a tenth at the beginning', (requestsPerMinute) => {
  const sent = sendFor(new Budget({ requestsPerMinute }), 10);
  const burst = Math.max(1, requestsPerMinute / 10);
  expect(sent).toBeGreaterThanOrEqual(10 * requestsPerMinute - 1);
  expect(sent).toBeLessThanOrEqual(10 * requestsPerMinute + burst + 1);
});

test('tokens are counted once they are known, also those of one request that is more than a minute’s', () => {
  const sent = sendFor(new Budget({ tokensPerMinute: 1_000 }), 100, 5_000);
  expect(sent).toBeGreaterThanOrEqual(19);
  expect(sent).toBeLessThanOrEqual(22);
});

test('the tighter of two bounds holds', () => {
  expect(sendFor(new Budget({ requestsPerMinute: 600, tokensPerMinute: 1_000 }), 10, 100)).toBeLessThanOrEqual(112);
  expect(sendFor(new Budget({ requestsPerMinute: 6, tokensPerMinute: 1_000_000 }), 10, 100)).toBeLessThanOrEqual(62);
});

test('who shares it gets a part of it', () => {
  const budget = new Budget({ requestsPerMinute: 60 });
  budget.share(1 / 3);
  const sent = sendFor(budget, 10);
  expect(sent).toBeGreaterThanOrEqual(199);
  expect(sent).toBeLessThanOrEqual(210);
});

test('nothing that is in flight is forgotten: requests that leave before the first has its answer count as the mean', () => {
  const budget = new Budget({ tokensPerMinute: 6_000 });
  budget.spend(0);
  budget.settle(300, 0);
  let left = 0;
  while (budget.opensAtMs(0) <= 0) {
    budget.spend(0);
    left += 1;
  }
  // 600 at the beginning, 300 of them used.
  expect(left).toBe(1);
});

test.each([
  ['{"usage":{"prompt_tokens":3,"total_tokens":15}}', 15],
  ['{"usage":{"total_tokens" : 7 ,"x":1}}', 7],
  ['{"choices":[]}', undefined],
  ['{"total_tokens":"many"}', undefined],
])('the tokens of %s', (body, tokens) => {
  expect(readTotalTokens(Buffer.from(body))).toBe(tokens);
});
