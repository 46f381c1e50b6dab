/**
 * What waits is in tables of ours, and whose turn it is is decided when a worker asks: so accounts take turns whatever each has lined up. Before, the first
 * shards of every job were in the queue, in the order in which they came.
 */
export const TURNS: readonly string[] = [
  // Shards `next` … `last` of a job and model, or a job's plan. `step_ms` is the pace of a job that spreads its shards evenly over its window.
  `create table waiting (
    job_uid uuid not null references job (uid) on delete cascade,
    lane text not null,
    account_id text not null,
    next int not null,
    last int not null,
    due timestamptz not null,
    step_ms double precision not null,
    primary key (job_uid, lane)
  )`,
  'create index waiting_due on waiting (lane, account_id, due)',
  // The tallies of `jobs/turns.ts`.
  `create table turn (
    lane text not null,
    account_id text not null,
    started double precision not null default 0,
    ended double precision not null default 0,
    primary key (lane, account_id)
  )`,
  // Shards that are not in the queue yet; those that are stay there. Of each model, as many as the window and one more for each that was settled.
  `insert into waiting (job_uid, lane, account_id, next, last, due, step_ms)
   select job_uid, lane, account_id, next, last, now(), greatest(0, extract(epoch from expires_at - now()) * 1000 / (last - next + 1))
     from (
       select job.uid as job_uid, coalesce(shard.model, job.model) as lane, job.account_id, job.expires_at, max(shard.index) as last,
              case when bool_and(shard.model is null) then job.next_shard
                   else min(shard.index) + coalesce(job.window_size, 1) + count(*) filter (where shard.settled)::int end as next
         from job join shard on shard.job_uid = job.uid
        where job.state in ('PENDING', 'RUNNING', 'PAUSED')
        group by job.uid, coalesce(shard.model, job.model)
     ) lined_up
    where next <= last`,
  'insert into turn (lane, account_id) select distinct lane, account_id from waiting',
  'alter table job drop column next_shard, drop column window_size',
];
