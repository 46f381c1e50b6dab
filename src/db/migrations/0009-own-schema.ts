/**
 * From here on the tables are in a PostgreSQL schema that is named by their version (`migrate.ts` renames it), so that no statement of an older process finds
 * them. Up to here they were in `public`, where the tables of others may be too.
 */
export const OWN_SCHEMA: readonly string[] = [];

/** What was in `public` before; not all of it in each version. */
export const TABLES_IN_PUBLIC: readonly string[] = [
  'account',
  'account_user',
  'api_key',
  'audit_entry',
  'dataset',
  'dataset_file',
  'event',
  'job',
  'kept_reply',
  'kept_usage',
  'model',
  'model_file',
  'part',
  'quota',
  'shard',
  'upload',
  'upload_part',
  'webhook',
  'webhook_delivery',
];

/** And the functions of their triggers. */
export const FUNCTIONS_IN_PUBLIC: readonly string[] = ['keep_usage', 'note_job_state', 'stamp_job_state', 'tell_webhooks'];
