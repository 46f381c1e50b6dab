/** Models that run from their own files: in which precision each file is, and where files are fetched from. */
export const MODEL_LIBRARY: readonly string[] = [
  // Null: nothing that our own engine runs.
  'alter table model_file add column precision text',
  // Null: its files are put here by its owner.
  'alter table model add column pull jsonb',

  // A shard's model says the precision, too, where the job chose one; the bill doesn't tell them apart.
  `create or replace function keep_usage() returns trigger language plpgsql as $$
    begin
      insert into kept_usage
        select old.account_id, split_part(coalesce(shard.model, old.model), '#', 1) as used_model, old.api_key_id,
               date_bin('15 minutes', part.created_at, timestamptz '2000-01-01 00:00:00+00') as slot,
               sum(part.ok), sum(part.input_tokens), sum(part.output_tokens), sum(part.cached_tokens)
          from part left join shard on shard.job_uid = part.job_uid and shard.index = part.shard
         where part.job_uid = old.uid group by used_model, slot;
      return old;
    end
  $$`,
];
