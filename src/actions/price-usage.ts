/** What tokens cost: whole billionths of the currency, so that sums come out even. */
import type { Money } from '../contract/money.ts';

/** What a million tokens of a model cost when they are asked for one by one. */
export interface ModelPrice {
  readonly inputPerMillion: number;
  readonly outputPerMillion: number;
}

/** Prices by a model's full name; a model without one has no costs. */
export interface Prices {
  /** Three letters of ISO 4217. */
  readonly currencyCode: string;
  readonly models: Readonly<Record<string, ModelPrice>>;
}

/** The kinds of tokens that cost differently. */
export type TokenKind = 'input' | 'cached' | 'output';

/** In a batch all tokens cost half, and prompts from the cache half of that: one part in so many of the price. */
const BATCH_PART: Readonly<Record<TokenKind, bigint>> = { input: 2n, cached: 4n, output: 2n };

const NANOS = 1_000_000_000n;
const MILLION = 1_000_000n;

/** Price of a million tokens, and of so many, rounded to the nearest billionth. */
export const priceTokens = (
  { currencyCode, models }: Prices,
  { model, kind, tokens }: { readonly model: string; readonly kind: TokenKind; readonly tokens: number },
): { readonly unit: Money; readonly total: Money } | undefined => {
  const price = models[model];
  if (price === undefined) return undefined;
  const nanos = BigInt(Math.round((kind === 'output' ? price.outputPerMillion : price.inputPerMillion) * Number(NANOS)));
  const parts = BATCH_PART[kind];
  return {
    unit: toMoney(currencyCode, divide(nanos, parts)),
    total: toMoney(currencyCode, divide(nanos * BigInt(tokens), parts * MILLION)),
  };
};

/** Tokens of a model, counted or expected. */
interface ModelTokens {
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number | null;
}

/** What a job's tokens would be billed; null where a model has no price, or nobody knows how many tokens there will be. */
export function priceForecast(prices: Prices, { models }: { readonly models: readonly ModelTokens[] }): Money | null {
  let nanos = 0n;
  for (const { model, inputTokens, outputTokens } of models) {
    if (outputTokens === null) return null;
    for (const [kind, tokens] of [
      ['input', inputTokens],
      ['output', outputTokens],
    ] as const) {
      const price = priceTokens(prices, { model, kind, tokens });
      if (price === undefined) return null;
      nanos += BigInt(price.total.units) * NANOS + BigInt(price.total.nanos);
    }
  }
  return toMoney(prices.currencyCode, nanos);
}

/** Rounds half up; nothing here is negative. */
const divide = (value: bigint, by: bigint): bigint => (2n * value + by) / (2n * by);

const toMoney = (currencyCode: string, nanos: bigint): Money => ({
  currencyCode,
  units: String(nanos / NANOS),
  nanos: Number(nanos % NANOS),
});
