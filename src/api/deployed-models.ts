/** `/v1/accounts/{account}/deployedModels`. */
import { z } from 'zod';
import { engineDecides, findDeployed, getDeployed, listDeployed } from '../actions/deployed-models.ts';
import { type ModelAddress, resolveAccount } from '../actions/get-model.ts';
import { DeployedModel, LoadModelQuery, LoadModelRequest, UpdateDeployedModelRequest } from '../contract/deployed-model.ts';
import { ListQuery, listReply, ReadQuery } from '../contract/list.ts';
import { makeName } from '../contract/names.ts';
import { type ListedDeployedModel, listDeployedModels } from '../db/queries/list-deployed-models.ts';
import { TRUTH } from './list-filter.ts';
import { applyMask } from './read-mask.ts';
import { replyPage } from './reply-page.ts';
import { type Call, route } from './route.ts';

const COLLECTION = '/v1/accounts/{account_id}/deployedModels';
const ONE = `${COLLECTION}/{deployed_model_id}`;
const tag = 'Models';
const columns = { name: 'id', model: 'id', public: 'public' } as const;
const kinds = { model: 'name', public: TRUTH } as const;
type AnyCall = Call<unknown, unknown>;
const addressOf = ({ params }: AnyCall): ModelAddress => ({
  account: params['account_id'] ?? '',
  id: params['deployed_model_id'] ?? '',
});

const toReply = ({ accountId, id, public: isPublic }: ListedDeployedModel): DeployedModel => ({
  name: makeName(accountId, 'deployedModels', id),
  displayName: '',
  description: '',
  createTime: null,
  updateTime: null,
  model: makeName(accountId, 'models', id),
  deployment: '',
  default: true,
  state: 'DEPLOYED',
  serverless: true,
  status: { code: 'OK', message: '' },
  public: isPublic,
});

const readOne = async (call: AnyCall, address: ModelAddress): Promise<DeployedModel> => {
  const accountId = resolveAccount(call.caller, address.account);
  const served = getDeployed(call.context, call.caller, address);
  const { rows } = await listDeployedModels(call.context.store.db, { accountId, pageSize: 1 }, [served]);
  return toReply(rows[0] ?? { ...served, accountId });
};

const list = route({
  method: 'get',
  path: COLLECTION,
  tag,
  anyAccount: true,
  summary: 'List the models that engines serve at the moment',
  query: ListQuery,
  reply: listReply('deployedModels', DeployedModel),
  handle: (call) => {
    const accountId = resolveAccount(call.caller, addressOf(call).account);
    const served = listDeployed(call.context, call.caller, accountId);
    const { db } = call.context.store;
    return replyPage('deployedModels', call.query, {
      ...{ accountId, columns, kinds, toReply },
      take: (page) => listDeployedModels(db, page, served),
    });
  },
});

const get = route({
  method: 'get',
  path: ONE,
  tag,
  anyAccount: true,
  summary: 'Get a model that engines serve at the moment',
  query: ReadQuery,
  reply: DeployedModel,
  handle: async (call) => applyMask(await readOne(call, addressOf(call)), call.query.readMask),
});

const create = route({
  method: 'post',
  path: COLLECTION,
  tag,
  needs: 'keep-models',
  summary: 'Ask for a model to be served: answers where it is; refused when no engine has it, as engines decide what they serve',
  query: LoadModelQuery,
  body: LoadModelRequest,
  reply: DeployedModel,
  handle: async (call) => {
    const { model, deployment } = call.body;
    return readOne(call, await findDeployed(call.context, call.caller, { model, deployment }));
  },
});

const update = route({
  method: 'patch',
  path: ONE,
  tag,
  needs: 'keep-models',
  summary: 'Not offered: engines decide what they serve',
  body: UpdateDeployedModelRequest,
  reply: DeployedModel,
  handle: async (call) => {
    throw engineDecides(getDeployed(call.context, call.caller, addressOf(call)));
  },
});

const remove = route({
  method: 'delete',
  path: ONE,
  tag,
  anyAccount: true,
  needs: 'keep-models',
  summary: 'Not offered: engines decide what they serve',
  reply: z.object({}),
  handle: async (call) => {
    throw engineDecides(getDeployed(call.context, call.caller, addressOf(call)));
  },
});

/** Every route of the resource. */
export const deployedModelRoutes = [list, get, create, update, remove];
