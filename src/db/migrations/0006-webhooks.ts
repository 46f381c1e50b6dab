/** Who wants to hear of ended jobs, what is still to be said to them, and the replies that retries get again. */
export const WEBHOOKS: readonly string[] = [
  `create table webhook (
    account_id text not null references account on delete cascade,
    id text not null,
    display_name text not null,
    url text not null,
    events text[] not null,
    salt text not null,
    old_salt text,
    old_salt_until timestamptz(3),
    enabled boolean not null,
    disabled_reason text not null,
    failing_since timestamptz(3),
    created_by text not null,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    primary key (account_id, id),
    constraint webhook_that_rotates_says_until_when check ((old_salt is null) = (old_salt_until is null))
  )`,

  `create table webhook_delivery (
    id bigint generated always as identity primary key,
    account_id text not null,
    webhook_id text not null,
    event_id text not null,
    event_type text not null,
    job_id text not null,
    state text not null constraint webhook_delivery_state_is_known check (state in ('PENDING', 'DELIVERED', 'FAILED')),
    attempts jsonb not null default '[]',
    created_at timestamptz(3) not null,
    next_attempt_at timestamptz(3),
    leased_until timestamptz(3),
    foreign key (account_id, webhook_id) references webhook on delete cascade,
    unique (account_id, webhook_id, event_id)
  )`,
  `create index webhook_delivery_that_waits on webhook_delivery (next_attempt_at) where state = 'PENDING'`,
  'create index webhook_delivery_by_age on webhook_delivery (created_at)',

  // Whoever ends a job, and however: what is to be said of it is there once the end is, and not before.
  `create function tell_webhooks() returns trigger language plpgsql as $$
    begin
      insert into webhook_delivery (account_id, webhook_id, event_id, event_type, job_id, state, created_at)
        select new.account_id, id, 'evt_' || replace(new.uid::text, '-', ''), 'batch.' || lower(new.state), new.id, 'PENDING', new.ended_at
          from webhook
         where account_id = new.account_id and enabled and 'batch.' || lower(new.state) = any (events);
      return null;
    end
  $$`,
  `create trigger job_end_tells_webhooks after update of state on job for each row
    when (old.state is distinct from new.state and new.state in ('COMPLETED', 'FAILED', 'EXPIRED', 'CANCELLED'))
    execute function tell_webhooks()`,

  `create table kept_reply (
    account_id text not null references account on delete cascade,
    api_key_id text not null,
    key text not null,
    fingerprint text not null,
    status int,
    body text,
    begun_at timestamptz(3) not null,
    expires_at timestamptz(3) not null,
    primary key (account_id, api_key_id, key),
    constraint kept_reply_is_whole check ((status is null) = (body is null))
  )`,
  'create index kept_reply_by_expiry on kept_reply (expires_at)',
];
