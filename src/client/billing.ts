/** What an account has used. */
import type { BillingUsage } from '../contract/billing.ts';
import type { CallOptions, Transport } from './transport.ts';

/** A span of time: from the start, included, to the end, excluded. */
export interface BillingSpan extends CallOptions {
  readonly startTime: string;
  readonly endTime: string;
  /** `model_name`, `api_key_id`, `annotations.team` …; default the model. */
  readonly groupBy?: string | undefined;
}

/** `client.billing`. */
export interface Billing {
  /** Tokens by day. At most 31 days at once. */
  usage(span: BillingSpan): Promise<BillingUsage>;
}

/** Makes `client.billing`. */
export const makeBilling = (transport: Transport): Billing => ({
  usage: ({ signal, ...query }) =>
    transport.request({
      method: 'GET',
      path: `/v1/accounts/${encodeURIComponent(transport.accountId)}/billingUsage`,
      query,
      signal,
    }),
});
