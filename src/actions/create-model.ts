import { randomUUID } from 'node:crypto';
import { Problem } from '../base/problem.ts';
import type { ModelInput } from '../contract/model.ts';
import { makeName } from '../contract/names.ts';
import { insertModel } from '../db/queries/insert-model.ts';
import type { Model } from '../db/schema.ts';
import { checkModel } from './check-model.ts';
import type { Caller, Context } from './context.ts';
import { toModelDetails } from './model-details.ts';
import { checkedId } from './own-id.ts';

/** What a caller wants. */
export interface ModelWish {
  readonly id: string;
  readonly model: ModelInput;
}

/** Makes a model that waits for its files; private unless said otherwise. */
export async function createModel(context: Context, { accountId, name }: Caller, wish: ModelWish): Promise<Model> {
  const id = checkedId(wish.id, { collection: 'models' });
  const { kind: asked = 'KIND_UNSPECIFIED', ...model } = wish.model;
  const kind = asked === 'KIND_UNSPECIFIED' ? 'HF_PEFT_ADDON' : asked;
  checkModel(kind, model);
  const fullName = makeName(accountId, 'models', id);
  if (context.models.list(accountId).some((served) => served.name === fullName)) throw taken(id);
  const at = context.clock.now();
  const made = await insertModel(context.store.db, {
    accountId,
    id,
    uid: randomUUID(),
    displayName: model.displayName ?? '',
    description: model.description ?? '',
    kind,
    state: 'UPLOADING',
    public: model.public ?? false,
    details: toModelDetails(model),
    createdBy: name,
    createdAt: at,
    updatedAt: at,
  });
  if (made === undefined) throw taken(id);
  return made;
}

const taken = (id: string): Problem =>
  new Problem('ALREADY_EXISTS', `There is a model "${id}" already. Choose another name, or delete that model first.`, {
    reason: 'MODEL_EXISTS',
    details: { modelId: id },
  });
