import type { Model, ModelFile } from '../schema.ts';
import type { Db } from '../store.ts';

/** The files of a model by name, those too that have only been announced. */
export const listModelFiles = (db: Db, { accountId, id }: Pick<Model, 'accountId' | 'id'>): Promise<readonly ModelFile[]> =>
  db.selectFrom('modelFile').selectAll().where('accountId', '=', accountId).where('modelId', '=', id).orderBy('name').execute();
