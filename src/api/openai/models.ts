/** `/models`: what a request can name as its model. */
import { getUsableModel, listUsableModels, type UsableModel } from '../../actions/list-usable-models.ts';
import { OpenAiModel, OpenAiModelList } from '../../contract/openai/model.ts';
import { toSeconds } from './file-reply.ts';
import { openaiRoute } from './openai-route.ts';

const tag = 'OpenAI: models';

const list = openaiRoute({
  method: 'get',
  path: '/models',
  tag,
  operationId: 'listUsableModels',
  summary: 'List the models that engines serve for this account',
  reply: OpenAiModelList,
  handle: async ({ context, caller }) => ({
    object: 'list' as const,
    data: (await listUsableModels(context, caller)).map(toReply),
  }),
});

const get = openaiRoute({
  method: 'get',
  path: '/models/{model_id}',
  tag,
  operationId: 'getUsableModel',
  summary: 'Get a model by its bare id or its full name',
  reply: OpenAiModel,
  handle: async ({ context, caller, params }) => toReply(await getUsableModel(context, caller, params['model_id'] ?? '')),
});

const toReply = ({ word, accountId, createdAt }: UsableModel): OpenAiModel => ({
  id: word,
  object: 'model',
  created: createdAt === null ? 0 : toSeconds(createdAt),
  owned_by: accountId,
});

/** Every route of the resource. */
export const usableModelRoutes = [list, get];
