import type { ModelFile } from '../schema.ts';
import type { Db } from '../store.ts';
import { lockModel } from './lock-model.ts';

/** A file that has arrived. */
export type ArrivedFile = Omit<ModelFile, 'precision'> & { readonly objectKey: string; readonly sha256: string };

/** Whether a file was taken, and the object that it replaces. */
export interface Taken {
  readonly added: boolean;
  readonly replaced: string | null;
}

const NOT_AWAITED: Taken = { added: false, replaced: null };

/** Gives a model a file that was announced with this size. Not added when none is awaited: the model is gone, or READY and fetched in no further precision, or the size was announced anew. */
export const addModelFile = (db: Db, file: ArrivedFile): Promise<Taken> =>
  db.transaction().execute(async (tx) => {
    const { accountId, modelId, name, bytes, objectKey, sha256 } = file;
    const model = await lockModel(tx, { accountId, id: modelId });
    const isAdding = model?.state === 'READY' && model.pull?.state === 'PULLING';
    if (model?.state !== 'UPLOADING' && !isAdding) return NOT_AWAITED;
    const awaited = await tx
      .selectFrom('modelFile')
      .select('objectKey')
      .where('accountId', '=', accountId)
      .where('modelId', '=', modelId)
      .where('name', '=', name)
      .where('bytes', '=', bytes)
      .$if(isAdding, (file) => file.where('precision', 'is', null))
      .executeTakeFirst();
    if (awaited === undefined) return NOT_AWAITED;
    await tx
      .updateTable('modelFile')
      .set({ objectKey, sha256, createdAt: file.createdAt })
      .where('accountId', '=', accountId)
      .where('modelId', '=', modelId)
      .where('name', '=', name)
      .execute();
    return { added: true, replaced: awaited.objectKey };
  });
