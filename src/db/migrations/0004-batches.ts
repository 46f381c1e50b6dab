/** What a batch of OpenAI's dialect says that a job didn't: one endpoint, labels, the life of its output, and when it came into each state. */
export const BATCHES: readonly string[] = [
  `alter table job
    add column endpoint text,
    add column metadata jsonb,
    add column output_expires_after_seconds int,
    add column moved_at jsonb not null default '{}'`,

  // The timeline of older jobs knows.
  `update job set moved_at = coalesce((
    select jsonb_object_agg(state, at) from (
      select details ->> 'to' as state, to_char(min(at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
        from event where event.job_uid = job.uid and kind = 'state-moved' group by 1
    ) moves
  ), '{}')`,

  // Whoever moves a job: the first time in each state is kept.
  `create function stamp_job_state() returns trigger language plpgsql as $$
    begin
      new.moved_at = jsonb_build_object(new.state, to_char(new.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) || new.moved_at;
      return new;
    end
  $$`,
  'create trigger job_is_stamped before insert or update of state on job for each row execute function stamp_job_state()',

  // Files of an output dataset that its owner is not shown: rows that never ran, and where rows are in the other files.
  'alter table dataset_file add column hidden boolean not null default false',
];
