/** Rows of one job can name different models: each shard then has its own, and what its rows used is billed by it. */
export const ROW_MODELS: readonly string[] = [
  // Null: the job's.
  'alter table shard add column model text',

  `create or replace function keep_usage() returns trigger language plpgsql as $$
    begin
      insert into kept_usage
        select old.account_id, coalesce(shard.model, old.model) as used_model, old.api_key_id,
               date_bin('15 minutes', part.created_at, timestamptz '2000-01-01 00:00:00+00') as slot,
               sum(part.ok), sum(part.input_tokens), sum(part.output_tokens), sum(part.cached_tokens)
          from part left join shard on shard.job_uid = part.job_uid and shard.index = part.shard
         where part.job_uid = old.uid group by used_model, slot;
      return old;
    end
  $$`,
];
