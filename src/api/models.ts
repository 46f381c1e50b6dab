/** `/v1/accounts/{account}/models`. */

import { z } from 'zod';
import { checkConfigs } from '../actions/check-model-files.ts';
import type { Caller, Context } from '../actions/context.ts';
import { createModel } from '../actions/create-model.ts';
import { deleteModel } from '../actions/delete-model.ts';
import { listKnownModels } from '../actions/deployed-models.ts';
import { findVisibleRecord, getModel, isPublicAccount, type ModelAddress, resolveAccount } from '../actions/get-model.ts';
import { linkModelDownload } from '../actions/link-model-download.ts';
import { linkModelUpload } from '../actions/link-model-upload.ts';
import { MODEL_CATALOGUE } from '../actions/model-catalogue.ts';
import { demand } from '../actions/permissions.ts';
import { prepareModel } from '../actions/prepare-model.ts';
import { demandPublicKeeper } from '../actions/public-models.ts';
import { pullModel } from '../actions/pull-model.ts';
import { updateModel } from '../actions/update-model.ts';
import { validateModelUpload } from '../actions/validate-model-upload.ts';
import { Problem } from '../base/problem.ts';
import { ListQuery, listReply, ReadQuery } from '../contract/list.ts';
import {
  CreateModelRequest,
  ImportModelRequest,
  MODEL_KINDS,
  Model,
  ModelCatalogue,
  ModelDownloadLinks,
  ModelUploadLinks,
  ModelUploadRequest,
  ModelWarnings,
  PrepareModelRequest,
  PullModelRequest,
  UpdateModelRequest,
  ValidateModelConfigRequest,
  ValidateModelUploadQuery,
} from '../contract/model.ts';
import { PUBLIC_ACCOUNT } from '../contract/names.ts';
import { listModels } from '../db/queries/list-models.ts';
import { type FieldKind, TRUTH } from './list-filter.ts';
import { toEngineModel, toFoundReply, toModelReply } from './model-reply.ts';
import { applyMask } from './read-mask.ts';
import { replyPage } from './reply-page.ts';
import { type Call, route } from './route.ts';

const COLLECTION = '/v1/accounts/{account_id}/models';
const ONE = `${COLLECTION}/{model_id}`;
const tag = 'Models';
const columns = {
  name: 'id',
  displayName: 'displayName',
  kind: 'kind',
  state: 'state',
  public: 'public',
  contextLength: 'contextLength',
  createTime: 'createdAt',
  createdTime: 'createdAt',
  updateTime: 'updatedAt',
} as const;
const kinds: Readonly<Record<string, FieldKind>> = {
  kind: { prefix: '', stored: Object.fromEntries(MODEL_KINDS.map((kind) => [kind, kind])) },
  state: { prefix: '', stored: { STATE_UNSPECIFIED: undefined, UPLOADING: 'UPLOADING', READY: 'READY' } },
  public: TRUTH,
  contextLength: 'number',
};
type AnyCall = Call<unknown, unknown>;
const idOf = ({ params }: AnyCall): string => params['model_id'] ?? '';
const addressOf = (call: AnyCall): ModelAddress => ({ account: call.params['account_id'] ?? '', id: idOf(call) });
const own = ({ caller }: AnyCall, id: string): ModelAddress => ({ account: caller.accountId, id });

const create = route({
  method: 'post',
  path: COLLECTION,
  tag,
  needs: 'keep-models',
  summary: 'Create a model that waits for its files; private unless it says otherwise',
  once: {},
  body: CreateModelRequest,
  reply: Model,
  handle: async (call) => {
    const { context, caller, body } = call;
    if (body.cluster) throw notOffered('A model can not be put on a cluster here: leave cluster out.');
    const { id } = await createModel(context, caller, { id: body.modelId, model: body.model ?? {} });
    return toFoundReply(await getModel(context, caller, own(call, id)));
  },
});

const list = route({
  method: 'get',
  path: COLLECTION,
  tag,
  anyAccount: true,
  summary:
    'List models: records and what engines serve. The account `boatload`, also known as `fireworks`, has those for everybody',
  query: ListQuery,
  reply: listReply('models', Model),
  handle: async (call) => {
    const { context, caller, query } = call;
    const accountId = resolveAccount(caller, addressOf(call).account);
    const isPublic = isPublicAccount(accountId);
    const known = listKnownModels(context, caller, accountId);
    const served = known.map(({ id, model }) => toEngineModel(id, model, isPublic));
    const servedBy = new Map(known.map(({ id, model }) => [id, model]));
    return replyPage('models', query, {
      accountId,
      columns,
      kinds,
      take: (page) => listModels(context.store.db, page, { served, onlyPublic: accountId !== caller.accountId }),
      toReply: (model) => toModelReply(model, servedBy.get(model.id)),
    });
  },
});

const get = route({
  method: 'get',
  path: ONE,
  tag,
  anyAccount: true,
  summary: 'Get a model, with where it is served',
  query: ReadQuery,
  reply: Model,
  handle: async (call) =>
    applyMask(toFoundReply(await getModel(call.context, call.caller, addressOf(call))), call.query.readMask),
});

const update = route({
  method: 'patch',
  path: ONE,
  tag,
  needs: 'keep-models',
  summary: 'Change what is said of a model; its files stay as they are',
  body: UpdateModelRequest,
  reply: Model,
  handle: async (call) => {
    await updateModel(call.context, call.caller, idOf(call), call.body);
    return toFoundReply(await getModel(call.context, call.caller, own(call, idOf(call))));
  },
});

const remove = route({
  method: 'delete',
  path: ONE,
  tag,
  anyAccount: true,
  needs: 'keep-models',
  summary: 'Delete a model and its files; one of the account `boatload` takes an admin of this installation',
  reply: z.object({}),
  handle: async (call) => {
    const account = resolveAccount(call.caller, addressOf(call).account);
    if (isPublicAccount(account)) {
      demand(call.caller, 'administer');
      demandPublicKeeper(call.context, call.caller);
    } else if (account !== call.caller.accountId) throw notYours();
    await deleteModel(call.context, { ...call.caller, accountId: account }, idOf(call));
    return {};
  },
});

const upload = route({
  method: 'post',
  path: `${ONE}/@getUploadEndpoint`,
  tag,
  needs: 'keep-models',
  summary: 'Get links to which the files of a model are put',
  body: ModelUploadRequest,
  reply: ModelUploadLinks,
  handle: async (call) => {
    const { filenameToSize: sizes, readMask } = call.body;
    const { signed, unsigned } = await linkModelUpload(call.context, call.caller, { id: idOf(call), sizes });
    return applyMask({ filenameToSignedUrls: signed, filenameToUnsignedUris: unsigned }, readMask);
  },
});

const validate = route({
  method: 'get',
  path: `${ONE}/@validateUpload`,
  tag,
  needs: 'keep-models',
  changes: true,
  summary: 'Check the files of a model; when they are good, it is READY',
  query: ValidateModelUploadQuery,
  reply: ModelWarnings,
  handle: async (call) => {
    const { skipHfConfigValidation: skipConfigs = false, configOnly = false } = call.query;
    const wish = { id: idOf(call), skipConfigs, configOnly };
    return { warnings: [...(await validateModelUpload(call.context, call.caller, wish))] };
  },
});

const download = route({
  method: 'get',
  path: `${ONE}/@getDownloadEndpoint`,
  tag,
  anyAccount: true,
  summary: 'Get links to the files of a model',
  query: ReadQuery,
  reply: ModelDownloadLinks,
  handle: async (call) =>
    applyMask({ filenameToSignedUrls: await linkModelDownload(call.context, call.caller, addressOf(call)) }, call.query.readMask),
});

const prepare = route({
  method: 'post',
  path: `${ONE}/@prepare`,
  tag,
  needs: 'keep-models',
  summary: 'Note that a model may be served in a further precision',
  body: PrepareModelRequest,
  reply: z.object({}),
  handle: async (call) => {
    await prepareModel(call.context, call.caller, { id: idOf(call), precision: call.body.precision });
    return {};
  },
});

const importFrom = route({
  method: 'post',
  path: `${ONE}/@import`,
  tag,
  needs: 'keep-models',
  summary: 'Not offered: models are uploaded',
  body: ImportModelRequest,
  reply: z.object({}),
  handle: async () => {
    throw notOffered('Models are not fetched from clouds here: create the model, then upload its files with :getUploadEndpoint.');
  },
});

const validateConfig = route({
  method: 'post',
  path: '/v1/validateModelConfig',
  tag,
  operationId: 'validateModelConfig',
  needs: 'look',
  summary: 'Check configuration files of a model before they are uploaded',
  body: ValidateModelConfigRequest,
  reply: ModelWarnings,
  handle: async ({ body: { configJson, tokenizerConfigJson } }) => {
    const tokenizer = tokenizerConfigJson ? { 'tokenizer_config.json': tokenizerConfigJson } : {};
    return { warnings: [...checkConfigs({ 'config.json': configJson, ...tokenizer }).warnings] };
  },
});

const pull = route({
  method: 'post',
  path: `${COLLECTION}/@pull`,
  tag,
  operationId: 'pullModel',
  needs: 'administer',
  summary:
    'Have this server fetch a model: from its catalogue, from the hub, or from a URL. It answers at once; `pull` of the model says how it goes',
  body: PullModelRequest,
  reply: Model,
  handle: async (call) => {
    const { modelId, ...source } = call.body;
    const { accountId: account, id } = await pullModel(call.context, call.caller, { ...source, id: modelId });
    return toFoundReply(await getModel(call.context, call.caller, { account, id }));
  },
});

const catalogue = route({
  method: 'get',
  path: '/v1/modelCatalogue',
  tag,
  operationId: 'listModelCatalogue',
  summary: 'List the models that can be added by their names',
  reply: ModelCatalogue,
  handle: async ({ context, caller }) => ({
    models: await Promise.all(
      MODEL_CATALOGUE.map(async ({ files, ...entry }) => ({
        ...entry,
        files: files.map(({ precision, name, megabytes }) => ({ precision, name, megabytes })),
        state: (await findPulled(context, caller, entry.id))?.state ?? ('ABSENT' as const),
      })),
    ),
  }),
});

/** The caller's own goes before everybody's, as in jobs. */
const findPulled = async (context: Context, caller: Caller, id: string) =>
  (await findVisibleRecord(context, caller, { accountId: caller.accountId, id })) ??
  findVisibleRecord(context, caller, { accountId: PUBLIC_ACCOUNT, id });

const notOffered = (message: string): Problem => new Problem('UNIMPLEMENTED', message, { reason: 'NOT_OFFERED' });

const notYours = (): Problem =>
  new Problem('PERMISSION_DENIED', 'A model is deleted by its own account.', { reason: 'OTHER_ACCOUNT' });

/** Every route of the resource. */
export const modelRoutes = [
  ...[create, list, get, update, remove],
  ...[upload, validate, download, prepare, importFrom, validateConfig, pull, catalogue],
];
