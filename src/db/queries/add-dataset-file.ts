import { inTransaction } from '../in-transaction.ts';
import type { DatasetFile } from '../schema.ts';
import type { Db } from '../store.ts';

/** Adds a file to a dataset that is still UPLOADING, or replaces the one of that name. False when the dataset takes no files any more. */
export async function addDatasetFile(db: Db, file: DatasetFile): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const open = await tx
      .selectFrom('dataset')
      .select('id')
      .where('accountId', '=', file.accountId)
      .where('id', '=', file.datasetId)
      .where('state', '=', 'UPLOADING')
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (open === undefined) return false;
    const { accountId: _account, datasetId: _dataset, name: _name, ...contents } = file;
    await tx
      .insertInto('datasetFile')
      .values(file)
      .onConflict((conflict) => conflict.columns(['accountId', 'datasetId', 'name']).doUpdateSet(contents))
      .execute();
    return true;
  });
}
