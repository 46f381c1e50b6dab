import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../store.ts';

/** What usage is told apart by. */
export type UsageGroup = 'model' | 'apiKeyId' | 'team' | 'project' | 'environment';

export interface UsageSpan {
  readonly accountId: string;
  /** Moments in order: usage is summed between each and the next. */
  readonly borders: readonly Date[];
  readonly group: UsageGroup;
}

export interface UsageSum {
  /** Which stretch between borders, from 0. */
  readonly stretch: number;
  /** The model, the key's id or the label; empty where there is none. */
  readonly value: string;
  readonly ok: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
}

const GROUPS: Readonly<Record<UsageGroup, RawBuilder<string>>> = {
  model: sql`used.model`,
  apiKeyId: sql`coalesce(used.api_key_id, '')`,
  team: sql`coalesce(api_key.annotations ->> 'team', '')`,
  project: sql`coalesce(api_key.annotations ->> 'project', '')`,
  environment: sql`coalesce(api_key.annotations ->> 'environment', '')`,
};

/** What an account's jobs used, deleted ones too: committed parts, and what was kept of parts that are gone. */
export async function sumUsage(db: Db, { accountId, borders, group }: UsageSpan): Promise<readonly UsageSum[]> {
  const moments = borders.map((border) => border.toISOString());
  const { rows } = await sql<UsageSum>`
    with used as (
      select split_part(coalesce(shard.model, job.model), '#', 1) as model, job.api_key_id, part.created_at as at,
             part.ok, part.input_tokens, part.output_tokens, part.cached_tokens
        from part join job on job.uid = part.job_uid left join shard on shard.job_uid = part.job_uid and shard.index = part.shard
       where job.account_id = ${accountId}
      union all
      select model, api_key_id, at, ok, input_tokens, output_tokens, cached_tokens from kept_usage where account_id = ${accountId}
    )
    select width_bucket(used.at, ${moments}::timestamptz[]) - 1 as stretch, ${GROUPS[group]} as value, sum(ok)::bigint as ok,
           sum(input_tokens)::bigint as input_tokens, sum(output_tokens)::bigint as output_tokens, sum(cached_tokens)::bigint as cached_tokens
      from used left join api_key on api_key.id = used.api_key_id
     where used.at >= ${moments.at(0)}::timestamptz and used.at < ${moments.at(-1)}::timestamptz
     group by 1, 2 order by 1, 2
  `.execute(db);
  return rows;
}
