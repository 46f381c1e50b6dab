import { OUTPUT_FILES } from '../../contract/dataset.ts';
import { UNFINISHED_FILE } from '../../jobs/openai-row.ts';
import { checkpointsOf } from '../../jobs/row-checkpoints.ts';
import type { DatasetFile } from '../schema.ts';
import type { Db, Tx } from '../store.ts';
import { datasetInUse } from './dataset-in-use.ts';
import { inUse } from './delete-dataset.ts';
import { lockAccount } from './lock-account.ts';

const { results, errors } = OUTPUT_FILES;

/** The stored files behind each half of what a job wrote. */
const HALVES = {
  answers: [results, checkpointsOf(results)],
  errors: [errors, checkpointsOf(errors), UNFINISHED_FILE],
} as const;

/** A half of a job's output. */
export interface OutputHalf {
  readonly accountId: string;
  readonly datasetId: string;
  readonly kind: keyof typeof HALVES;
}

/**
 * Removes the answers, or the errors, of a job's output; the dataset too when the other half holds no row. Refused like the removal of the whole
 * dataset. Answers the keys of the objects that nobody owns now.
 */
export const deleteOutputHalf = (db: Db, { accountId, datasetId, kind }: OutputHalf, at: Date): Promise<readonly string[]> =>
  db.transaction().execute(async (tx) => {
    await lockAccount(tx, accountId);
    if (await datasetInUse(tx, accountId, datasetId)) throw inUse(datasetId);
    const files = await tx
      .selectFrom('datasetFile')
      .selectAll()
      .where('accountId', '=', accountId)
      .where('datasetId', '=', datasetId)
      .execute();
    const rest = files.filter(({ name }) => !HALVES[kind].some((own) => own === name));
    const isAll = rest.every(({ rows }) => rows === 0);
    const gone = isAll ? files : files.filter((file) => !rest.includes(file));
    if (gone.length === 0) return [];
    const dataset = { accountId, datasetId };
    await removeFiles(tx, dataset, gone);
    await (isAll ? removeDataset(tx, dataset) : recount(tx, dataset, { files: rest.filter(({ hidden }) => !hidden), at }));
    return gone.map(({ objectKey }) => objectKey);
  });

type Owner = Pick<DatasetFile, 'accountId' | 'datasetId'>;

const removeFiles = async (tx: Tx, { accountId, datasetId }: Owner, files: readonly DatasetFile[]): Promise<void> => {
  const names = files.map(({ name }) => name);
  await tx
    .deleteFrom('datasetFile')
    .where('accountId', '=', accountId)
    .where('datasetId', '=', datasetId)
    .where('name', 'in', names)
    .execute();
};

const removeDataset = async (tx: Tx, { accountId, datasetId }: Owner): Promise<void> => {
  await tx.deleteFrom('dataset').where('accountId', '=', accountId).where('id', '=', datasetId).execute();
};

const recount = async (
  tx: Tx,
  { accountId, datasetId }: Owner,
  { files, at }: { readonly files: readonly DatasetFile[]; readonly at: Date },
): Promise<void> => {
  const sum = (field: 'bytes' | 'rows') => files.reduce((total, file) => total + file[field], 0);
  await tx
    .updateTable('dataset')
    .set({ bytes: sum('bytes'), rows: sum('rows'), updatedAt: at })
    .where('accountId', '=', accountId)
    .where('id', '=', datasetId)
    .execute();
};
