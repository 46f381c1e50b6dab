import { Problem } from '../base/problem.ts';
import { makeName } from '../contract/names.ts';
import { deleteModel as deleteModelRow } from '../db/queries/delete-model.ts';
import { listModelFiles } from '../db/queries/list-model-files.ts';
import { modelInUse } from '../db/queries/model-in-use.ts';
import { modelPrefix } from '../jobs/object-keys.ts';
import type { Caller, Context } from './context.ts';
import { getOwnRecord } from './get-model.ts';
import { piecesOfModel } from './receive-model-file.ts';
import { dropPieces } from './upload-pieces.ts';

/** Removes a model and its files; refused while a job that hasn't ended runs on it. */
export async function deleteModel(context: Context, caller: Caller, id: string): Promise<void> {
  const { store, objects } = context;
  const model = await getOwnRecord(context, caller, id);
  if (await modelInUse(store.db, makeName(caller.accountId, 'models', id))) throw inUse(id);
  const files = await listModelFiles(store.db, model);
  await deleteModelRow(store.db, model.uid);
  for await (const { key } of objects.list(modelPrefix(model.uid))) await objects.delete([key]);
  await context.models.refresh?.();
  for (const file of files) await dropPieces(context, piecesOfModel(model, file));
}

const inUse = (id: string): Problem =>
  new Problem('FAILED_PRECONDITION', `Model "${id}" is used by a job that hasn't ended. Wait for the job, or cancel it first.`, {
    reason: 'MODEL_IN_USE',
  });
