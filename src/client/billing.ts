/** What an account has used, and what that costs. */
import type { z } from 'zod';
import type { BillingSummary, BillingUsage } from '../contract/billing.ts';
import type { CallOptions, Transport } from './transport.ts';

/** A span of time: from the start, included, to the end, excluded; in RFC 3339. */
export interface BillingSpan extends CallOptions {
  readonly startTime: string;
  readonly endTime: string;
}

/** What to sum up. */
export interface UsageSpan extends BillingSpan {
  /** `model_name`, `api_key_id`, `annotations.team` … Default `model_name`. */
  readonly groupBy?: string | undefined;
  /** Where days begin: `Europe/Berlin`. Default `UTC`. */
  readonly timezone?: string | undefined;
  /** `BATCH_INFERENCE` … Default: all. */
  readonly usageType?: string | undefined;
}

/** `client.billing`. */
export interface Billing {
  /** Tokens by day. At most 31 days at once. */
  usage(span: UsageSpan): Promise<BillingUsage>;
  /** What each model cost, over whole days. */
  summary(span: BillingSpan): Promise<z.output<typeof BillingSummary>>;
}

/** Makes `client.billing`. */
export function makeBilling(transport: Transport): Billing {
  const ask = <Reply>(what: string, { signal, ...query }: UsageSpan): Promise<Reply> => {
    const path = `/v1/accounts/${encodeURIComponent(transport.accountId)}/${what}`;
    return transport.request({ method: 'GET', path, query: { ...query }, signal });
  };
  return { usage: (span) => ask('billingUsage', span), summary: (span) => ask('billing/summary', span) };
}
