/** Who may do what, models and their files, quotas, the audit log, and usage that outlives its job. */
export const PEOPLE_AND_MODELS: readonly string[] = [
  `create table account_user (
    account_id text not null references account on delete cascade,
    id text not null,
    display_name text not null,
    email text not null,
    role text not null
      constraint account_user_role_is_known check (role in ('admin', 'user', 'contributor', 'inference-user', 'custom')),
    permission_preset text not null,
    service_account boolean not null,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    primary key (account_id, id)
  )`,
  `create unique index account_user_email_is_their_own on account_user (account_id, lower(email)) where email <> ''`,

  // Until now keys belonged to accounts; their first user takes them over.
  `insert into account_user
    select account_id, 'admin', 'Admin', '', 'admin', '', false, min(created_at), min(created_at) from api_key group by account_id`,
  `alter table api_key add column user_id text not null default 'admin', add column annotations jsonb not null default '{}'`,
  `alter table api_key alter column user_id drop default, drop column role,
    add foreign key (account_id, user_id) references account_user on delete cascade`,

  'alter table job add column api_key_id text',

  // A job takes its parts along when it is deleted; what they used stays for the bill.
  `create table kept_usage (
    account_id text not null,
    model text not null,
    api_key_id text,
    at timestamptz(3) not null,
    ok bigint not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    cached_tokens bigint not null
  )`,
  'create index kept_usage_by_time on kept_usage (account_id, at)',
  `create function keep_usage() returns trigger language plpgsql as $$
    begin
      insert into kept_usage
        select old.account_id, old.model, old.api_key_id, date_bin('15 minutes', created_at, timestamptz '2000-01-01 00:00:00+00') as slot,
               sum(ok), sum(input_tokens), sum(output_tokens), sum(cached_tokens)
          from part where job_uid = old.uid group by slot;
      return old;
    end
  $$`,
  'create trigger job_leaves_its_usage before delete on job for each row execute function keep_usage()',

  `create table model (
    account_id text not null references account on delete cascade,
    id text not null,
    uid uuid not null,
    display_name text not null,
    description text not null,
    kind text not null,
    state text not null constraint model_state_is_known check (state in ('UPLOADING', 'READY')),
    public boolean not null,
    details jsonb not null,
    precisions jsonb not null default '[]',
    created_by text not null,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    primary key (account_id, id)
  )`,

  `create table model_file (
    account_id text not null,
    model_id text not null,
    name text not null,
    bytes bigint not null,
    object_key text,
    sha256 text,
    created_at timestamptz(3) not null,
    primary key (account_id, model_id, name),
    foreign key (account_id, model_id) references model on delete cascade,
    constraint model_file_that_arrived_has_a_hash check ((object_key is null) = (sha256 is null))
  )`,

  `create table quota (
    account_id text not null references account on delete cascade,
    id text not null,
    value bigint not null,
    updated_at timestamptz(3) not null,
    primary key (account_id, id)
  )`,

  `create table audit_entry (
    id bigint generated always as identity primary key,
    account_id text not null,
    at timestamptz(3) not null,
    principal text not null,
    email text not null,
    api_key_id text not null,
    method text not null,
    resource text not null,
    status_code text not null,
    message text not null,
    admin_action boolean not null,
    user_agent text not null,
    client_ip text not null
  )`,
  'create index audit_entry_by_time on audit_entry (account_id, at)',
];
