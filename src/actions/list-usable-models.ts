/** The models that an account can use now, by the words that its requests name them with. */
import { Problem } from '../base/problem.ts';
import { parseName } from '../contract/names.ts';
import { findModelRecord } from '../db/queries/find-model-record.ts';
import type { Caller, Context } from './context.ts';
import type { RegisteredModel } from './model-registry.ts';

/** A model as a request names it. */
export interface UsableModel {
  /** The bare id; the full name where the account has another model of that id. */
  readonly word: string;
  readonly accountId: string;
  /** When it was made known here; null for one that only an engine knows. */
  readonly createdAt: Date | null;
}

/** All that engines serve for the account, its own and the public ones. */
export const listUsableModels = async (context: Context, caller: Caller): Promise<readonly UsableModel[]> => {
  const served = context.models.list(caller.accountId).filter((model) => model.served);
  const usable = await Promise.all(served.map((model) => toUsable(context, caller, model)));
  return usable.toSorted((a, b) => (a.word < b.word ? -1 : 1));
};

/** The one that a request means by this word: a bare id or a full name. */
export async function getUsableModel(context: Context, caller: Caller, word: string): Promise<UsableModel> {
  const model = context.models.resolve(word, caller.accountId);
  if (model?.served) return toUsable(context, caller, model);
  throw new Problem('NOT_FOUND', `The model "${word.slice(0, 200)}" does not exist, or no engine serves it at the moment.`, {
    reason: 'MODEL_NOT_FOUND',
    details: { field: 'model' },
  });
}

/** The word that a request of the account names a model with: the bare id, unless that means another model. */
export const modelWord = ({ models }: Pick<Context, 'models'>, accountId: string, name: string): string => {
  const { id = name } = parseName(name, 'models') ?? {};
  return (models.resolve(id, accountId)?.name ?? name) === name ? id : name;
};

const toUsable = async (context: Context, caller: Caller, { name }: RegisteredModel): Promise<UsableModel> => {
  const { account: accountId = caller.accountId, id = name } = parseName(name, 'models') ?? {};
  const record = await findModelRecord(context.store.db, accountId, id);
  return { word: modelWord(context, caller.accountId, name), accountId, createdAt: record?.createdAt ?? null };
};
