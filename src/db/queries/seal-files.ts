import type { Dataset, DatasetFile } from '../schema.ts';
import type { Db } from '../store.ts';
import { listDatasetFiles } from './list-dataset-files.ts';
import { type DatasetName, lockWaitingDataset } from './lock-waiting-dataset.ts';

/** What came of it: `missing` names the files that were announced and are not there as they were announced. */
export type Sealing =
  | { readonly kind: 'sealed' | 'not-waiting' }
  | { readonly kind: 'missing'; readonly names: readonly string[] }
  | { readonly kind: 'empty'; readonly bytes: number };

/** Closes a dataset with the files that it has by now, unless one is missing or they hold no row. */
export const sealFiles = (db: Db, { accountId, id }: DatasetName, at: Date): Promise<Sealing> =>
  db.transaction().execute(async (tx) => {
    const dataset = await lockWaitingDataset(tx, { accountId, id });
    if (dataset === undefined) return { kind: 'not-waiting' };
    const files = await listDatasetFiles(tx, accountId, id);
    const names = missingFrom(dataset, files);
    if (names.length > 0) return { kind: 'missing', names };
    const [bytes, rows] = [sum(files, 'bytes'), sum(files, 'rows')];
    if (rows === 0) return { kind: 'empty', bytes };
    await tx
      .updateTable('dataset')
      .set({ state: 'READY', bytes, rows, updatedAt: at })
      .where('accountId', '=', accountId)
      .where('id', '=', id)
      .execute();
    return { kind: 'sealed' };
  });

const missingFrom = ({ announced }: Dataset, files: readonly DatasetFile[]): readonly string[] => {
  const sizes = new Map(files.map(({ name, bytes }) => [name, bytes]));
  return Object.keys(announced).filter((name) => sizes.get(name) !== announced[name]);
};

const sum = (files: readonly DatasetFile[], field: 'bytes' | 'rows'): number =>
  files.reduce((total, file) => total + file[field], 0);
