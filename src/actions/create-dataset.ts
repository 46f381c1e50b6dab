import { Problem } from '../base/problem.ts';
import { insertDataset } from '../db/queries/insert-dataset.ts';
import type { Dataset } from '../db/schema.ts';
import type { Caller, Context } from './context.ts';
import { checkedId } from './own-id.ts';
import { checkQuota } from './quotas.ts';

/** What a caller wants. */
export interface DatasetWish {
  readonly id: string;
  readonly displayName?: string | undefined;
  readonly format?: string | undefined;
  /** Rows, as far as the caller knows. */
  readonly declaredRows?: number | undefined;
}

/** Makes a dataset that waits for its file. */
export async function createDataset(context: Context, caller: Caller, wish: DatasetWish): Promise<Dataset> {
  const id = checkedId(wish.id, { collection: 'datasets' });
  if (context.limits.requireExampleCount && wish.declaredRows === undefined) throw countRequired();
  await checkQuota(context, context.store.db, { accountId: caller.accountId, id: 'dataset-bytes', adding: 1 });
  const createdAt = context.clock.now();
  return insertDataset(context.store.db, {
    accountId: caller.accountId,
    id,
    displayName: wish.displayName ?? '',
    format: wish.format ?? 'FORMAT_UNSPECIFIED',
    declaredRows: wish.declaredRows ?? null,
    createdBy: caller.name,
    createdAt,
  });
}

const countRequired = (): Problem =>
  new Problem('INVALID_ARGUMENT', 'error validating dataset: example_count is required for uploaded datasets', {
    reason: 'EXAMPLE_COUNT_REQUIRED',
  });
