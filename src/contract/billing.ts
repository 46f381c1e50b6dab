/** What was used, and what it would have cost, on the wire. */
import { z } from 'zod';
import { Moment, Timestamp } from './json.ts';
import { Money } from './money.ts';

const int64 = (description: string) => z.string().meta({ format: 'int64', description });

/** Query of the summary. */
export const BillingSummaryQuery = z.object({
  startTime: Moment.describe('First day, in UTC; the time of day is ignored'),
  endTime: Moment.describe('The day after the last one, in UTC; the time of day is ignored'),
});

const LineItem = z
  .object({
    category: z.string().describe('`Input tokens`, `Cached input tokens` or `Output tokens`'),
    groupingKey: z.string().describe('`model`'),
    groupingValue: z.string().describe('Full name of the model'),
    secondaryGroupingKey: z.string().describe('`is_batch`'),
    secondaryGroupingValue: z.string().describe('`true`'),
    quantity: z.number().describe('Millions of tokens'),
    unitAmount: Money.nullable().describe('Price of a million tokens; null when the server has no price for the model'),
    totalCost: Money.nullable().describe('Price of them all; null when the server has no price for the model'),
  })
  .meta({ id: 'BillingLineItem', description: 'Tokens of one kind that one model used' });
export type LineItem = z.output<typeof LineItem>;

/** Reply of the summary. */
export const BillingSummary = z.object({ lineItems: z.array(LineItem) }).meta({
  id: 'BillingSummary',
  description: 'What an account used between two days. Batch costs half of the price, cached input half of that',
});

/** What usage can be grouped by. */
export const USAGE_GROUPS = [
  'model_name',
  'api_key_id',
  'annotations.team',
  'annotations.project',
  'annotations.environment',
] as const;

/** Query of the usage. */
export const BillingUsageQuery = z.object({
  startTime: Moment.describe('From here, included'),
  endTime: Moment.describe('To here, excluded; at most 31 days after `startTime`'),
  usageType: z
    .enum(['USAGE_TYPE_UNSPECIFIED', 'SERVERLESS', 'DEDICATED_DEPLOYMENT'])
    .optional()
    .describe('`DEDICATED_DEPLOYMENT` finds nothing: there are none here'),
  timezone: z.string().optional().describe('Days are those of this IANA time zone; UTC when absent'),
  groupBy: z.enum(USAGE_GROUPS).optional().describe('What to group by; the model when absent'),
  filter: z.string().optional().describe('Not offered; must be empty'),
});

const ServerlessUsage = z
  .object({
    modelName: z.string().describe('The model, when grouped by it'),
    promptTokens: int64('Tokens of the prompts'),
    completionTokens: int64('Tokens of the answers'),
    cachedPromptTokens: int64('How many of `promptTokens` came from a prompt cache'),
    startTime: Timestamp.describe('Begin of the day'),
    endTime: Timestamp.describe('End of the day'),
    audioInputSeconds: z.number().describe('Always 0'),
    usageType: z.string().describe('`BATCH_INFERENCE`'),
    apiKeyId: z.string().describe('The key, when grouped by it'),
    group: z.record(z.string(), z.string()).describe('What it was grouped by, with its value'),
  })
  .meta({ id: 'ServerlessUsage', description: 'What was used on one day' });

/** Reply of the usage. */
export const BillingUsage = z
  .object({
    serverlessCosts: z.array(ServerlessUsage),
    dedicatedCosts: z.array(z.object({})).describe('Always empty'),
  })
  .meta({ id: 'BillingUsage', description: 'What an account used, day by day' });
export type BillingUsage = z.output<typeof BillingUsage>;
