import { sql } from 'kysely';
import type { Db } from '../store.ts';
import { ACTIVE_STATES } from './active-states.ts';

/** What an account has of what quotas limit. */
export interface AccountUsage {
  /** Jobs that have not ended. */
  readonly 'batch-jobs-active': number;
  /** Bytes of all datasets, and of the files that others wait for; of uploads by parts, what they were begun for. */
  readonly 'dataset-bytes': number;
  /** Bytes of the files of all models, announced ones too. */
  readonly 'model-bytes': number;
}

export async function measureUsage(db: Db, accountId: string): Promise<AccountUsage> {
  const { rows } = await sql<{ readonly jobs: number; readonly datasetBytes: number; readonly modelBytes: number }>`
    select (select count(*) from job where account_id = ${accountId} and state = any (${ACTIVE_STATES}::text[])) as jobs,
           (select coalesce(sum(bytes), 0)::bigint from dataset where account_id = ${accountId})
             + (select coalesce(sum(size.value::bigint), 0)::bigint from dataset, jsonb_each_text(announced) as size
                where account_id = ${accountId} and state = 'UPLOADING')
             + (select coalesce(sum(bytes), 0)::bigint from upload where account_id = ${accountId} and state = 'pending') as dataset_bytes,
           (select coalesce(sum(bytes), 0)::bigint from model_file where account_id = ${accountId}) as model_bytes
  `.execute(db);
  const [used] = rows;
  return {
    'batch-jobs-active': used?.jobs ?? 0,
    'dataset-bytes': used?.datasetBytes ?? 0,
    'model-bytes': used?.modelBytes ?? 0,
  };
}
