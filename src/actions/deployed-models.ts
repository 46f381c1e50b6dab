/** Models that are served at the moment. Engines decide which: nothing is deployed or taken down from here. */
import { Problem } from '../base/problem.ts';
import { makeName, parseName } from '../contract/names.ts';
import type { DeployedModel } from '../db/queries/list-deployed-models.ts';
import type { Caller, Context } from './context.ts';
import { findModel } from './find-model.ts';
import { isPublicAccount, type ModelAddress, resolveAccount } from './get-model.ts';
import type { RegisteredModel } from './model-registry.ts';

/** A model of an account that engines know. */
export interface KnownModel {
  readonly id: string;
  readonly model: RegisteredModel;
}

/** The models of an account that engines know and that the caller may use, whether they are served or not. */
export const listKnownModels = ({ models }: Pick<Context, 'models'>, caller: Caller, accountId: string): readonly KnownModel[] =>
  models.list(caller.accountId).flatMap((model) => {
    const { account, id } = parseName(model.name, 'models') ?? {};
    return account === accountId && id !== undefined ? [{ id, model }] : [];
  });

/** Those of them that are served. */
export const listDeployed = (context: Context, caller: Caller, accountId: string): readonly DeployedModel[] =>
  listKnownModels(context, caller, accountId)
    .filter(({ model }) => model.served)
    .map(({ id }) => ({ id, public: isPublicAccount(accountId) }));

/** One of them; NOT_FOUND for what isn't served. */
export const getDeployed = (context: Context, caller: Caller, { account, id }: ModelAddress): DeployedModel => {
  const accountId = resolveAccount(caller, account);
  const found = listDeployed(context, caller, accountId).find((served) => served.id === id);
  if (found !== undefined) return found;
  throw new Problem('NOT_FOUND', `resource not found: ${makeName(accountId, 'deployedModels', id.slice(0, 100))}`, {
    reason: 'DEPLOYED_MODEL_NOT_FOUND',
  });
};

/** Where a model is served that shall be: it is already, or nobody can make it so from here. */
export async function findDeployed(
  context: Context,
  caller: Caller,
  { model, deployment }: { readonly model: string; readonly deployment: string | undefined },
): Promise<ModelAddress> {
  if (deployment) throw noDeployments();
  const { name } = await findModel(context, caller, { name: model });
  const { account = caller.accountId, id = name } = parseName(name, 'models') ?? {};
  return { account, id };
}

/** What is asked to be taken down or changed. */
export const engineDecides = ({ id }: DeployedModel): Problem =>
  new Problem(
    'UNIMPLEMENTED',
    `What is served is not changed from here: "${id}" is, as long as an engine has it. Take it off its engine, or stop that.`,
    { reason: 'ENGINE_DECIDES' },
  );

const noDeployments = (): Problem =>
  new Problem('UNIMPLEMENTED', 'There are no deployments here: models are served by engines. Leave deployment out.', {
    reason: 'DEPLOYMENTS_NOT_OFFERED',
    details: { field: 'deployment' },
  });
