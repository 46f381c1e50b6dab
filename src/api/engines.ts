/** `/v1/accounts/{account}/engines`. */
import { z } from 'zod';
import { type EngineStanding, explainEngines } from '../actions/explain-engines.ts';
import { createEngine, deleteEngine, drainEngine, type EngineWish, getEngine, updateEngine } from '../actions/manage-engines.ts';
import { testEngine } from '../actions/test-engine.ts';
import {
  CreateEngineQuery,
  CreateEngineRequest,
  Engine,
  type EngineState,
  EngineTest,
  TestEngineRequest,
  UpdateEngineQuery,
  UpdateEngineRequest,
} from '../contract/engine.ts';
import { ListQuery, listReply, ReadQuery } from '../contract/list.ts';
import { makeName } from '../contract/names.ts';
import { listEngines } from '../db/queries/list-engines.ts';
import type { EngineReport, Engine as EngineRow, ReportedModel } from '../db/schema.ts';
import { readEngineUrl } from '../engines/engine-url.ts';
import { applyMask } from './read-mask.ts';
import { replyPage } from './reply-page.ts';
import { type Call, route } from './route.ts';

const COLLECTION = '/v1/accounts/{account_id}/engines';
const ONE = `${COLLECTION}/{engine_id}`;
const tag = 'Engines';
const columns = {
  name: 'id',
  displayName: 'displayName',
  url: 'url',
  kind: 'kind',
  createdBy: 'createdBy',
  createTime: 'createdAt',
  createdTime: 'createdAt',
  updateTime: 'updatedAt',
} as const;
type AnyCall = Call<unknown, unknown>;
const idOf = ({ params }: AnyCall): string => params['engine_id'] ?? '';

const STATES: Readonly<Record<ReportedModel['state'], Exclude<EngineState, 'DRAINED' | 'UNKNOWN'>>> = {
  ready: 'READY',
  paused: 'BUSY',
  broken: 'FAILING',
  draining: 'DRAINING',
};

const toView = ({ accountId, process, at }: EngineReport, { id, ...model }: ReportedModel): Engine['views'][number] => ({
  process,
  model: makeName(accountId, 'models', id),
  state: STATES[model.state],
  reason: model.why,
  limit: model.limit,
  inFlight: model.inFlight,
  since: model.since,
  lastError: model.lastError?.message ?? '',
  lastErrorTime: model.lastError?.at ?? null,
  reportTime: at.toISOString(),
});

const toReply = (engine: EngineRow, { state, reason, limit, inFlight, reports }: EngineStanding): Engine => ({
  name: makeName(engine.accountId, 'engines', engine.id),
  displayName: engine.displayName,
  url: engine.url,
  maxInFlight: engine.maxInFlight ?? 0,
  requestsPerMinute: engine.requestsPerMinute ?? 0,
  tokensPerMinute: engine.tokensPerMinute ?? 0,
  kind: engine.kind as Engine['kind'], // Only such are stored.
  models: engine.models.map(({ id, servedAs, contextLength = null, capabilities = [] }) => ({
    model: makeName(engine.accountId, 'models', id),
    servedAs,
    contextLength,
    capabilities: [...capabilities],
  })),
  hasKey: engine.sealedKey !== null,
  slots: engine.slots,
  metricsUrl:
    engine.metricsPath === null ? '' : new URL(readEngineUrl(engine.url).toPathBeside(engine.metricsPath), engine.url).href,
  state,
  stateReason: reason,
  limit,
  inFlight,
  views: reports.flatMap((report) => report.models.map((model) => toView(report, model))),
  createdBy: engine.createdBy,
  createTime: engine.createdAt.toISOString(),
  updateTime: engine.updatedAt.toISOString(),
});

const answer = async ({ context }: AnyCall, engine: EngineRow): Promise<Engine> =>
  toReply(engine, (await explainEngines(context, engine.accountId))(engine));

/** The fields of a body that an engine is made of or changed by. */
const toWish = ({ models, ...wish }: z.output<typeof UpdateEngineRequest>): EngineWish => ({
  displayName: wish.displayName,
  url: wish.url,
  apiKey: wish.apiKey,
  models: models?.map(({ servedAs, model }) => ({ servedAs, model })),
  maxInFlight: wish.maxInFlight,
  requestsPerMinute: wish.requestsPerMinute,
  tokensPerMinute: wish.tokensPerMinute,
});

const create = route({
  method: 'post',
  path: COLLECTION,
  tag,
  needs: 'administer',
  summary: 'Add an engine; refused when it does not answer, unless it is to be kept anyway',
  once: {},
  query: CreateEngineQuery,
  body: CreateEngineRequest,
  reply: Engine,
  handle: async (call) => {
    const { engineId: id, anyway } = call.query;
    return answer(call, await createEngine(call.context, call.caller, { ...toWish(call.body), ...(id && { id }), anyway }));
  },
});

const list = route({
  method: 'get',
  path: COLLECTION,
  tag,
  needs: 'administer',
  summary: 'List engines and how they are',
  query: ListQuery,
  reply: listReply('engines', Engine),
  handle: async ({ context, caller: { accountId }, query }) => {
    const standingOf = await explainEngines(context, accountId);
    return replyPage('engines', query, {
      ...{ accountId, columns },
      take: (page) => listEngines(context.store.db, page),
      toReply: (engine) => toReply(engine, standingOf(engine)),
    });
  },
});

const get = route({
  method: 'get',
  path: ONE,
  tag,
  needs: 'administer',
  summary: 'Get an engine and how it is',
  query: ReadQuery,
  reply: Engine,
  handle: async (call) =>
    applyMask(await answer(call, await getEngine(call.context, call.caller, idOf(call))), call.query.readMask),
});

const update = route({
  method: 'patch',
  path: ONE,
  tag,
  needs: 'administer',
  summary: 'Change an engine; with a new address, key or models it is asked again what it is',
  query: UpdateEngineQuery,
  body: UpdateEngineRequest,
  reply: Engine,
  handle: async (call) => {
    const wish = { ...toWish(call.body), id: idOf(call), anyway: call.query.anyway };
    return answer(call, await updateEngine(call.context, call.caller, wish));
  },
});

const remove = route({
  method: 'delete',
  path: ONE,
  tag,
  needs: 'administer',
  summary: 'Remove an engine: what it works on may finish, it gets nothing new',
  reply: z.object({}),
  handle: async (call) => {
    await deleteEngine(call.context, call.caller, idOf(call));
    return {};
  },
});

const drainOrResume = (verb: 'drain' | 'resume', summary: string) =>
  route({
    method: 'post',
    path: `${ONE}/@${verb}`,
    tag,
    needs: 'administer',
    summary,
    reply: Engine,
    handle: async (call) =>
      answer(call, await drainEngine(call.context, call.caller, { name: idOf(call), draining: verb === 'drain' })),
  });

const test = route({
  method: 'post',
  path: `${ONE}/@test`,
  tag,
  needs: 'administer',
  changes: false,
  summary: 'Try an engine: ask what it is, and one token of one of its models',
  body: TestEngineRequest,
  reply: EngineTest,
  handle: async ({ context, caller, params, body }) => {
    const { found, error, ...trial } = await testEngine(context, caller, { name: params['engine_id'] ?? '', model: body.model });
    const models = found?.models.map(({ id }) => id) ?? [];
    return { ok: error === '', kind: found?.kind ?? null, models, ...trial, error };
  },
});

/** Every route of the resource. */
export const engineRoutes = [
  ...[create, list, get, update, remove],
  drainOrResume('drain', 'Let an engine finish what it has and give it nothing new'),
  drainOrResume('resume', 'Let a drained engine go on'),
  test,
];
