import { Problem } from '../base/problem.ts';
import type { ModelInput, ModelKind } from '../contract/model.ts';
import { updateModel as updateModelRow } from '../db/queries/update-model.ts';
import type { Model } from '../db/schema.ts';
import { checkModel } from './check-model.ts';
import type { Caller, Context } from './context.ts';
import { getOwnRecord } from './get-model.ts';
import { readModelDetails, toModelDetails } from './model-details.ts';

/** Changes what is said of a model, not its files; what is absent stays. */
export async function updateModel(context: Context, caller: Caller, id: string, changes: ModelInput): Promise<Model> {
  const record = await getOwnRecord(context, caller, id);
  const { kind = 'KIND_UNSPECIFIED' } = changes;
  if (kind !== 'KIND_UNSPECIFIED' && kind !== record.kind) throw kindStays(record);
  const details = { ...record.details, ...toModelDetails(changes) };
  checkModel(record.kind as ModelKind, readModelDetails(details)); // `createModel` writes no other kinds.
  const changed = await updateModelRow(context.store.db, record.uid, {
    displayName: changes.displayName ?? record.displayName,
    description: changes.description ?? record.description,
    public: changes.public ?? record.public,
    details,
    updatedAt: context.clock.now(),
  });
  // Who may name it may have changed.
  await context.models.refresh?.();
  return changed ?? record;
}

const kindStays = ({ id, kind }: Model): Problem =>
  new Problem('INVALID_ARGUMENT', `Model "${id}" is of the kind ${kind} and stays so. Create another model.`, {
    reason: 'KIND_FIXED',
    details: { field: 'kind' },
  });
