/** Jobs can be paused and can let bad rows pass; a dataset's files can come one by one; chains and objects are looked up. */
export const PAUSES_AND_UPLOADS: readonly string[] = [
  `alter table dataset add column announced jsonb not null default '{}'`,
  'create index dataset_file_of_object on dataset_file (object_key)',

  `alter table job add column on_invalid_row text not null default 'fail'
    constraint job_says_what_bad_rows_do check (on_invalid_row in ('fail', 'skip'))`,
  'create index job_by_parent on job (account_id, continued_from) where continued_from is not null',

  'alter table job drop constraint job_state_is_known',
  `alter table job add constraint job_state_is_known check (state in (
    'VALIDATING', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING', 'WRITING_RESULTS',
    'COMPLETED', 'FAILED', 'EXPIRED', 'CANCELLED', 'DELETING_CLEANING_UP'
  ))`,
  'drop index job_by_deadline',
  `create index job_by_deadline on job (expires_at) where state in ('VALIDATING', 'PENDING', 'RUNNING', 'PAUSED')`,
  'drop index job_output_is_its_own',
  `create unique index job_output_is_its_own on job (account_id, output_dataset_id)
    where state in ('VALIDATING', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING', 'WRITING_RESULTS')`,
];
