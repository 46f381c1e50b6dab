/** `/v1/accounts/{account}/billing/summary` and `…/billingUsage`. */
import { toDayBorders } from '../actions/day-borders.ts';
import { priceTokens, type TokenKind } from '../actions/price-usage.ts';
import { Problem } from '../base/problem.ts';
import {
  BillingSummary,
  BillingSummaryQuery,
  BillingUsage,
  BillingUsageQuery,
  type LineItem,
  type USAGE_GROUPS,
} from '../contract/billing.ts';
import { sumUsage, type UsageGroup, type UsageSum } from '../db/queries/sum-usage.ts';
import type { ApiContext } from './api-context.ts';
import { route } from './route.ts';

const tag = 'Billing';
const DAY_MS = 86_400_000;
const MOST_DAYS = 31;
const MILLION = 1_000_000;

type Grouping = (typeof USAGE_GROUPS)[number];
const COLUMNS: Readonly<Record<Grouping, UsageGroup>> = {
  model_name: 'model',
  api_key_id: 'apiKeyId',
  'annotations.team': 'team',
  'annotations.project': 'project',
  'annotations.environment': 'environment',
};

const CATEGORIES: Readonly<Record<TokenKind, string>> = {
  input: 'Input tokens',
  cached: 'Cached input tokens',
  output: 'Output tokens',
};

const summary = route({
  method: 'get',
  path: '/v1/accounts/{account_id}/billing/summary',
  tag,
  operationId: 'getBillingSummary',
  needs: 'see-costs',
  summary: 'What each model cost between two days',
  query: BillingSummaryQuery,
  reply: BillingSummary,
  handle: async ({ context, caller, query: { startTime, endTime } }) => {
    checkSpan(startTime, endTime);
    const borders = [startTime, endTime].map((at) => new Date(Math.floor(at.getTime() / DAY_MS) * DAY_MS));
    const sums = await sumUsage(context.store.db, { accountId: caller.accountId, borders, group: 'model' });
    return { lineItems: sums.flatMap((sum) => toLineItems(context, sum)) };
  },
});

/** Cached tokens are some of the input; here they are told apart. Kinds of which none were used are left out. */
const toLineItems = (context: ApiContext, { value: model, inputTokens, cachedTokens, outputTokens }: UsageSum): LineItem[] => {
  const cached = Math.min(cachedTokens, inputTokens);
  const tokens: Readonly<Record<TokenKind, number>> = { input: inputTokens - cached, cached, output: outputTokens };
  const used = (['input', 'cached', 'output'] as const).filter((kind) => tokens[kind] > 0);
  return used.map((kind) => toLineItem(context, { model, kind, tokens: tokens[kind] }));
};

const toLineItem = ({ prices }: ApiContext, used: { model: string; kind: TokenKind; tokens: number }): LineItem => {
  const price = prices && priceTokens(prices, used);
  return {
    category: CATEGORIES[used.kind],
    groupingKey: 'model',
    groupingValue: used.model,
    secondaryGroupingKey: 'is_batch',
    secondaryGroupingValue: 'true',
    quantity: used.tokens / MILLION,
    unitAmount: price?.unit ?? null,
    totalCost: price?.total ?? null,
  };
};

const usage = route({
  method: 'get',
  path: '/v1/accounts/{account_id}/billingUsage',
  tag,
  operationId: 'getBillingUsage',
  needs: 'see-costs',
  summary: 'What was used, day by day',
  query: BillingUsageQuery,
  reply: BillingUsage,
  handle: async ({ context, caller, query }) => {
    const { startTime, endTime, usageType, timezone, groupBy = 'model_name' } = query;
    checkSpan(startTime, endTime);
    if (endTime.getTime() - startTime.getTime() > MOST_DAYS * DAY_MS) throw tooLong();
    if (query.filter) throw noFilter();
    const days = toDayBorders({ from: startTime, to: endTime, timezone: timezone || 'UTC' });
    if (usageType === 'DEDICATED_DEPLOYMENT') return { serverlessCosts: [], dedicatedCosts: [] };
    // The first and the last day are cut to what was asked for.
    const borders = [startTime, ...days.slice(1, -1), endTime];
    const sums = await sumUsage(context.store.db, { accountId: caller.accountId, borders, group: COLUMNS[groupBy] });
    return { serverlessCosts: sums.map((sum) => toUsage(sum, groupBy, days)), dedicatedCosts: [] };
  },
});

const toUsage = (
  { stretch, value, inputTokens, outputTokens, cachedTokens }: UsageSum,
  groupBy: Grouping,
  days: readonly Date[],
): BillingUsage['serverlessCosts'][number] => ({
  modelName: groupBy === 'model_name' ? value : '',
  promptTokens: String(inputTokens),
  completionTokens: String(outputTokens),
  cachedPromptTokens: String(cachedTokens),
  startTime: days[stretch]?.toISOString() ?? '',
  endTime: days[stretch + 1]?.toISOString() ?? '',
  audioInputSeconds: 0,
  usageType: 'BATCH_INFERENCE',
  apiKeyId: groupBy === 'api_key_id' ? value : '',
  group: { [groupBy]: value },
});

const checkSpan = (startTime: Date, endTime: Date): void => {
  if (startTime < endTime) return;
  throw new Problem('INVALID_ARGUMENT', 'startTime must be before endTime.', {
    reason: 'EMPTY_SPAN',
    details: { field: 'startTime' },
  });
};

const tooLong = (): Problem =>
  new Problem('INVALID_ARGUMENT', `endTime must be at most ${MOST_DAYS} days after startTime. Ask for less at a time.`, {
    reason: 'SPAN_TOO_LONG',
    details: { field: 'endTime' },
  });

const noFilter = (): Problem =>
  new Problem('UNIMPLEMENTED', 'Usage is not filtered here: group it instead, and leave filter out.', {
    reason: 'FILTER_NOT_OFFERED',
    details: { field: 'filter' },
  });

/** Every route of the resource. */
export const billingRoutes = [summary, usage];
