/**
 * The first tables. A migration is never changed once it is released; what came later is in the files after it.
 * Times are kept to the millisecond, so that what a program read can be compared with what is stored.
 */
export const GROUND: readonly string[] = [
  `create table account (
    id text primary key,
    display_name text not null,
    created_at timestamptz(3) not null
  )`,

  `create table api_key (
    id text primary key,
    account_id text not null references account on delete cascade,
    hash bytea not null unique,
    prefix text not null,
    display_name text not null,
    role text not null,
    created_at timestamptz(3) not null,
    expires_at timestamptz(3),
    last_used_at timestamptz(3)
  )`,
  'create index api_key_of_account on api_key (account_id)',

  `create table dataset (
    account_id text not null references account on delete cascade,
    id text not null,
    display_name text not null,
    state text not null constraint dataset_state_is_known check (state in ('UPLOADING', 'READY')),
    format text not null default 'FORMAT_UNSPECIFIED',
    origin jsonb not null default '{"userUploaded": {}}',
    declared_rows bigint,
    rows bigint,
    bytes bigint not null default 0,
    source_job text,
    created_by text not null,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    primary key (account_id, id)
  )`,

  `create table dataset_file (
    account_id text not null,
    dataset_id text not null,
    name text not null,
    object_key text not null,
    bytes bigint not null,
    rows bigint not null,
    sha256 text not null,
    created_at timestamptz(3) not null,
    primary key (account_id, dataset_id, name),
    foreign key (account_id, dataset_id) references dataset on delete cascade
  )`,

  `create table job (
    uid uuid primary key,
    account_id text not null references account on delete cascade,
    id text not null,
    display_name text not null,
    created_by text not null,
    state text not null constraint job_state_is_known check (state in (
      'VALIDATING', 'PENDING', 'RUNNING', 'CANCELLING', 'WRITING_RESULTS',
      'COMPLETED', 'FAILED', 'EXPIRED', 'CANCELLED', 'DELETING_CLEANING_UP'
    )),
    status_code text not null,
    status_message text not null,
    model text not null,
    precision text not null,
    input_dataset_id text not null,
    output_dataset_id text not null,
    settings jsonb not null,
    continued_from text,
    max_duration_seconds bigint,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    expires_at timestamptz(3) not null,
    validated_at timestamptz(3),
    started_at timestamptz(3),
    ended_at timestamptz(3),
    total_rows bigint,
    input_rows bigint,
    row_format text,
    plan_key text,
    report_key text,
    outcome text constraint job_outcome_is_known check (outcome in ('COMPLETED', 'FAILED', 'EXPIRED', 'CANCELLED')),
    shard_count int,
    next_shard int not null default 0,
    window_size int,
    unique (account_id, id),
    constraint job_that_ended_says_when check (state not in ('COMPLETED', 'FAILED', 'EXPIRED', 'CANCELLED') or ended_at is not null),
    constraint job_that_writes_results_says_how_it_ends check (state <> 'WRITING_RESULTS' or outcome is not null)
  )`,
  'create index job_by_age on job (account_id, created_at)',
  `create index job_by_deadline on job (expires_at) where state in ('VALIDATING', 'PENDING', 'RUNNING')`,
  // Two jobs that still run can't write to the same dataset.
  `create unique index job_output_is_its_own on job (account_id, output_dataset_id)
    where state in ('VALIDATING', 'PENDING', 'RUNNING', 'CANCELLING', 'WRITING_RESULTS')`,

  `create table shard (
    job_uid uuid not null references job on delete cascade,
    index int not null,
    first int not null,
    count int not null,
    epoch int not null default 0,
    done int4multirange not null default '{}',
    settled boolean not null default false,
    primary key (job_uid, index)
  )`,

  `create table part (
    id bigint generated always as identity primary key,
    job_uid uuid not null references job on delete cascade,
    shard int not null,
    epoch int not null,
    object_key text not null,
    rows int4multirange not null,
    failed_rows int4multirange not null,
    ok int not null,
    failed int not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    cached_tokens bigint not null,
    bytes bigint not null,
    created_at timestamptz(3) not null default now()
  )`,
  'create index part_of_job on part (job_uid)',

  `create table event (
    id bigint generated always as identity primary key,
    job_uid uuid not null references job on delete cascade,
    at timestamptz(3) not null,
    kind text not null,
    message text not null,
    details jsonb not null default '{}'
  )`,
  'create index event_of_job on event (job_uid)',

  // Whoever moves a job, its timeline says so.
  `create function note_job_state() returns trigger language plpgsql as $$
    begin
      insert into event (job_uid, at, kind, message, details) values (
        new.uid, new.updated_at, 'state-moved',
        case tg_op when 'INSERT' then new.state else old.state || ' → ' || new.state end,
        jsonb_build_object('from', case tg_op when 'INSERT' then null else old.state end, 'to', new.state)
      );
      return null;
    end
  $$`,
  'create trigger job_is_new after insert on job for each row execute function note_job_state()',
  `create trigger job_state_moves after update of state on job
    for each row when (old.state is distinct from new.state) execute function note_job_state()`,
];
