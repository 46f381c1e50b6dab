import { sql } from 'kysely';
import type { Model, ModelFile } from '../schema.ts';
import type { Db } from '../store.ts';

/** A file that our own engine runs, and what of its model matters for that. */
export type RunnableFile = Pick<Model, 'accountId' | 'id' | 'uid' | 'kind' | 'public' | 'details'> &
  Pick<ModelFile, 'name' | 'bytes'> & {
    readonly precision: string;
    readonly objectKey: string;
    readonly sha256: string;
  };

/** Of all accounts; of each model the usual file first: the largest, the most exact one, unless others were added to it. */
export const listRunnableFiles = async (db: Db): Promise<readonly RunnableFile[]> =>
  db
    .selectFrom('model')
    .innerJoin('modelFile', (join) =>
      join.onRef('modelFile.accountId', '=', 'model.accountId').onRef('modelFile.modelId', '=', 'model.id'),
    )
    .select(['model.accountId', 'model.id', 'model.uid', 'model.kind', 'model.public', 'model.details'])
    .select(['modelFile.name', 'modelFile.bytes'])
    .select(['modelFile.precision', 'modelFile.objectKey', 'modelFile.sha256'])
    .where('model.state', '=', 'READY')
    .where('modelFile.precision', 'is not', null)
    .where('modelFile.objectKey', 'is not', null)
    .$narrowType<{ precision: string; objectKey: string; sha256: string }>()
    .orderBy('model.accountId')
    .orderBy('model.id')
    .orderBy(sql`coalesce(model.pull->>'usual' = model_file.name, false)`, 'desc')
    .orderBy('modelFile.bytes', 'desc')
    .orderBy('modelFile.name')
    .execute();
