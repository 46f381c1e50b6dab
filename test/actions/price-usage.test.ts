import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Prices, priceTokens, type TokenKind } from '../../src/actions/price-usage.ts';

const PRICES: Prices = { currencyCode: 'USD', models: { m: { inputPerMillion: 0.2, outputPerMillion: 1.1 } } };
const price = (kind: TokenKind, tokens: number) => priceTokens(PRICES, { model: 'm', kind, tokens });
const usd = (units: string, nanos: number) => ({ currencyCode: 'USD', units, nanos });

test.each<[TokenKind, number, ReturnType<typeof price>]>([
  ['input', 1_000_000, { unit: usd('0', 100_000_000), total: usd('0', 100_000_000) }],
  ['cached', 1_000_000, { unit: usd('0', 50_000_000), total: usd('0', 50_000_000) }],
  ['output', 10_000_000, { unit: usd('0', 550_000_000), total: usd('5', 500_000_000) }],
  ['cached', 1, { unit: usd('0', 50_000_000), total: usd('0', 50) }],
  ['input', 0, { unit: usd('0', 100_000_000), total: usd('0', 0) }],
  ['output', Number.MAX_SAFE_INTEGER, { unit: usd('0', 550_000_000), total: usd('4953959590', 107_545_050) }],
])('%s tokens: %d of them', (kind, tokens, expected) => {
  expect(price(kind, tokens)).toEqual(expected);
});

test('a model without a price has no costs', () => {
  expect(priceTokens(PRICES, { model: 'other', kind: 'input', tokens: 1 })).toBeUndefined();
});

test('what is told apart and added again is off by a billionth at most', () => {
  const nanosOf = (tokens: number) => {
    const total = price('input', tokens)?.total;
    return BigInt(total?.units ?? 0) * 1_000_000_000n + BigInt(total?.nanos ?? 0);
  };
  const tokens = fc.integer({ min: 0, max: 1_000_000_000 });
  fc.assert(
    fc.property(tokens, tokens, (some, more) => {
      const off = nanosOf(some) + nanosOf(more) - nanosOf(some + more);
      expect(off >= -1n && off <= 1n).toBe(true);
    }),
  );
});
