/** Engines that all processes share, and how each process finds them. */
export const ENGINES: readonly string[] = [
  `create table engine (
    account_id text not null references account on delete cascade,
    id text not null,
    display_name text not null,
    url text not null,
    sealed_key text,
    kind text not null,
    models jsonb not null,
    slots integer constraint engine_has_slots check (slots > 0),
    metrics_path text,
    max_in_flight integer constraint engine_takes_requests check (max_in_flight > 0),
    requests_per_minute integer constraint engine_has_a_rate check (requests_per_minute > 0),
    tokens_per_minute integer constraint engine_has_a_token_rate check (tokens_per_minute > 0),
    draining boolean not null,
    created_by text not null,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    primary key (account_id, id)
  )`,

  `create table engine_report (
    account_id text not null,
    engine_id text not null,
    process text not null,
    at timestamptz(3) not null,
    models jsonb not null,
    primary key (account_id, engine_id, process),
    foreign key (account_id, engine_id) references engine on delete cascade
  )`,
];
