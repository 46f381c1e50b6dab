import { Problem } from '../base/problem.ts';
import { makeName } from '../contract/names.ts';
import { findDataset } from '../db/queries/find-dataset.ts';
import type { Dataset } from '../db/schema.ts';
import type { Caller, Context } from './context.ts';
import { ownId } from './own-id.ts';

/** Finds one of the caller's datasets by id or full name; NOT_FOUND when there is none. */
export async function getDataset({ store }: Context, { accountId }: Caller, name: string): Promise<Dataset> {
  const id = ownId(accountId, 'datasets', name);
  const dataset = await findDataset(store.db, accountId, id);
  if (dataset !== undefined) return dataset;
  throw new Problem('NOT_FOUND', `resource not found: ${makeName(accountId, 'datasets', id)}`, { reason: 'DATASET_NOT_FOUND' });
}
