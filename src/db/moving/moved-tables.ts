/** What of the tables moves into another installation. Each is decided here: an export refuses one that it doesn't know. */

/** In the order in which they can be loaded: what a row refers to comes before it. */
export const MOVED_TABLES: readonly string[] = [
  'account',
  'account_user',
  'api_key',
  'dataset',
  'dataset_file',
  'upload',
  'upload_part',
  'job',
  'shard',
  'part',
  'event',
  'kept_usage',
  'model',
  'model_file',
  'quota',
  'audit_entry',
  'webhook',
  'webhook_delivery',
  'kept_reply',
  'engine',
];

/** What stays, and why. */
export const LEFT_TABLES: Readonly<Record<string, string>> = {
  waiting: 'who waits is made anew from jobs and shards',
  turn: 'accounts begin to take turns anew',
  engine_report: 'every process finds its engines itself',
};
