/** Datasets as files of OpenAI's dialect: what they are for, when they end, and how large ones come in by parts. */
export const FILES: readonly string[] = [
  `alter table dataset
    add column purpose text,
    add column expires_at timestamptz(3)`,
  'create index dataset_by_expiry on dataset (expires_at) where expires_at is not null',
  'create index dataset_by_age on dataset (account_id, created_at)',

  `create table upload (
    account_id text not null references account on delete cascade,
    id text not null,
    filename text not null,
    bytes bigint not null,
    purpose text not null,
    expires_after_seconds int,
    state text not null constraint upload_state_is_known check (state in ('pending', 'completed', 'cancelled')),
    dataset_id text,
    created_by text not null,
    created_at timestamptz(3) not null,
    expires_at timestamptz(3) not null,
    primary key (account_id, id),
    constraint upload_is_completed_with_a_file check ((state = 'completed') = (dataset_id is not null))
  )`,
  'create index upload_by_expiry on upload (expires_at)',

  `create table upload_part (
    account_id text not null,
    upload_id text not null,
    id text not null,
    object_key text not null,
    bytes bigint not null,
    created_at timestamptz(3) not null,
    primary key (account_id, upload_id, id),
    foreign key (account_id, upload_id) references upload on delete cascade
  )`,
  'create index upload_part_of_object on upload_part (object_key)',
];
