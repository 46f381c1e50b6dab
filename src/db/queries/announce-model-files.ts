import { sql } from 'kysely';
import type { Model } from '../schema.ts';
import type { Tx } from '../store.ts';

/** Notes files that will come; one that is there already at the same size stays. */
export const announceModelFiles = (
  tx: Tx,
  { accountId, id }: Pick<Model, 'accountId' | 'id'>,
  { sizes, at }: { readonly sizes: Readonly<Record<string, number>>; readonly at: Date },
): Promise<unknown> =>
  sql`
    insert into model_file (account_id, model_id, name, bytes, created_at)
    select ${accountId}, ${id}, key, value::bigint, ${at.toISOString()}::timestamptz from jsonb_each_text(${JSON.stringify(sizes)}::jsonb)
    on conflict (account_id, model_id, name) do update set
      bytes = excluded.bytes,
      object_key = case when model_file.bytes = excluded.bytes then model_file.object_key end,
      sha256 = case when model_file.bytes = excluded.bytes then model_file.sha256 end
  `.execute(tx);
