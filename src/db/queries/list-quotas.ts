import { sql } from 'kysely';
import type { Db } from '../store.ts';
import type { Page } from './page.ts';
import { type TakenPage, takePage } from './take-page.ts';

/** What a list of quotas can be ordered and narrowed by. */
export type QuotaColumn = 'id' | 'value' | 'maxValue' | 'usage' | 'updatedAt';

/** What the server allows, and what of it is used. */
export interface QuotaFacts {
  readonly id: string;
  readonly most: number;
  readonly used: number;
}

export interface ListedQuota {
  readonly accountId: string;
  readonly id: string;
  readonly value: number;
  readonly maxValue: number;
  readonly usage: number;
  /** Null where it was never changed. */
  readonly updatedAt: Date | null;
}

/** One page of the quotas, by name unless the page says otherwise: the facts, with the values that were set. */
export const listQuotas = (db: Db, page: Page<QuotaColumn>, facts: readonly QuotaFacts[]): Promise<TakenPage<ListedQuota>> => {
  const source = sql<ListedQuota>`
    select ${page.accountId}::text as account_id, facts.id, least(coalesce(quota.value, facts.most), facts.most) as value,
           facts.most as max_value, facts.used as usage, quota.updated_at
      from jsonb_to_recordset(${JSON.stringify(facts)}::jsonb) as facts (id text, most bigint, used bigint)
      left join quota on quota.account_id = ${page.accountId} and quota.id = facts.id
  `;
  return takePage<ListedQuota, QuotaColumn>(db, source, { page, last: [{ column: 'id' }] });
};
