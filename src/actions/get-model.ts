/** Finding models: records of uploaded ones, and what engines serve. */
import { Problem } from '../base/problem.ts';
import { isOwnAccountAlias, makeName, PUBLIC_ACCOUNT } from '../contract/names.ts';
import { findModelRecord } from '../db/queries/find-model-record.ts';
import type { Model } from '../db/schema.ts';
import type { Caller, Context } from './context.ts';
import { type RegisteredModel, toModelAccount } from './model-registry.ts';

/** A model by the two words of its path. */
export interface ModelAddress {
  readonly account: string;
  readonly id: string;
}

/** A model that the caller may see: a record, an engine's, or both. */
export interface FoundModel {
  readonly accountId: string;
  readonly id: string;
  readonly record: Model | undefined;
  readonly served: RegisteredModel | undefined;
}

/** The account that the caller means. */
export const resolveAccount = ({ accountId }: Caller, account: string): string =>
  isOwnAccountAlias(account) ? accountId : toModelAccount(account);

/** Finds a model; NOT_FOUND alike when there is none and when it is private to another account. */
export async function getModel(context: Context, caller: Caller, { account, id }: ModelAddress): Promise<FoundModel> {
  const accountId = resolveAccount(caller, account);
  const record = await findVisibleRecord(context, caller, { accountId, id });
  const served = findServed(context, caller, { accountId, id });
  if (record === undefined && served === undefined) throw noSuchModel(accountId, id);
  return { accountId, id, record, served };
}

/** A record that is the caller's own, or public. */
export async function findVisibleRecord(
  { store }: Context,
  caller: Caller,
  { accountId, id }: Pick<Model, 'accountId' | 'id'>,
): Promise<Model | undefined> {
  const record = await findModelRecord(store.db, accountId, id);
  return record?.public || accountId === caller.accountId ? record : undefined;
}

/** What engines serve under this name, if it is the caller's own or public. */
const findServed = (
  { models }: Context,
  caller: Caller,
  { accountId, id }: { readonly accountId: string; readonly id: string },
): RegisteredModel | undefined => {
  const name = makeName(accountId, 'models', id);
  return models.list(caller.accountId).find((model) => model.name === name);
};

/** Finds a record of the caller's own; refuses what only an engine knows, for there is nothing to change. */
export async function getOwnRecord(context: Context, caller: Caller, id: string): Promise<Model> {
  const { record } = await getModel(context, caller, { account: caller.accountId, id });
  if (record !== undefined) return record;
  throw new Problem(
    'FAILED_PRECONDITION',
    `${makeName(caller.accountId, 'models', id)} comes from an engine and has no record: it can't be changed from here.`,
    { reason: 'MODEL_WITHOUT_RECORD' },
  );
}

/** True for a name under the account that everybody may use. */
export const isPublicAccount = (accountId: string): boolean => accountId === PUBLIC_ACCOUNT;

const noSuchModel = (accountId: string, id: string): Problem =>
  new Problem('NOT_FOUND', `resource not found: ${makeName(accountId, 'models', id.slice(0, 100))}`, {
    reason: 'MODEL_NOT_FOUND',
  });
