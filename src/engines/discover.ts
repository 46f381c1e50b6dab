/** What an engine is and can, found out by asking it: its kind, its models, how much they take, and where it counts what it does. */
import type { EngineAnswer, EngineModel, EngineReply } from './engine.ts';
import { METRICS_PATH } from './gauge.ts';
import { readJsonObject, toCount, toFields } from './model-list.ts';
import type { Upstream } from './upstream.ts';

/** What Boatload tells apart; the last is whatever else speaks OpenAI's dialect. */
export type EngineKind = 'vllm' | 'sglang' | 'llama-server' | 'ollama' | 'lm-studio' | 'openai-compatible';

/** A model, and what else the engine says that it can: `tools`, `vision`, `embedding`. */
export interface DiscoveredModel extends EngineModel {
  readonly capabilities?: readonly string[];
}

/** What was found. */
export interface Discovery {
  readonly kind: EngineKind;
  readonly models: readonly DiscoveredModel[];
  /** How many requests it works on at once, where it says so. */
  readonly slots: number | undefined;
  /** Where it counts, in Prometheus' format, what it works on; beside its API. */
  readonly metricsPath: string | undefined;
}

/** Asks it. Throws a `Problem` when it can't be asked or is no such engine, as `models()` does. */
export async function discover(upstream: Upstream): Promise<Discovery> {
  const models = await upstream.models();
  const [owner, hasMetrics] = await Promise.all([readOwner(upstream), countsRequests(upstream)]);
  const kind = KINDS[owner] ?? (await guessKind(upstream));
  const details = await DETAILS[kind]?.(upstream, models);
  return {
    kind,
    models: details?.models ?? models,
    slots: upstream.slots,
    metricsPath: hasMetrics ? METRICS_PATH : undefined,
  };
}

/** Who is said to own the models says which program lists them. */
const KINDS: Readonly<Record<string, EngineKind>> = {
  vllm: 'vllm',
  sglang: 'sglang',
  llamacpp: 'llama-server',
  organization_owner: 'lm-studio',
};

async function readOwner(upstream: Upstream): Promise<string> {
  const { data } = readAnswer(await upstream.question());
  const [first] = Array.isArray(data) ? data.map(toFields) : [];
  return String(first?.['owned_by'] ?? '');
}

const countsRequests = async (upstream: Upstream): Promise<boolean> => typeof (await upstream.gauge?.()) === 'object';

/** Ollama and LM Studio have an API of their own beside OpenAI's. */
async function guessKind(upstream: Upstream): Promise<EngineKind> {
  const [version, listed] = await Promise.all([upstream.question('/api/version'), upstream.question('/api/v0/models')]);
  if (typeof readAnswer(version)['version'] === 'string') return 'ollama';
  return Array.isArray(readAnswer(listed)['data']) ? 'lm-studio' : 'openai-compatible';
}

type Details = Pick<Discovery, 'models'>;

const DETAILS: Readonly<Partial<Record<EngineKind, (upstream: Upstream, models: readonly EngineModel[]) => Promise<Details>>>> = {
  ollama: async (upstream, models) => ({ models: await Promise.all(models.map((model) => askOllama(upstream, model))) }),
  'lm-studio': async (upstream, models) => ({
    models: addListed(models, readAnswer(await upstream.question('/api/v0/models'))['data']),
  }),
  sglang: async (upstream, models) => ({ models: await askSglang(upstream, models) }),
};

/** https://docs.ollama.com/api-reference/show-model-details: the model's own limit, or the smaller one that it is run with. */
async function askOllama(upstream: Upstream, model: EngineModel): Promise<DiscoveredModel> {
  const shown = readAnswer(await upstream.question('/api/show', { model: model.id }));
  const info = toFields(shown['model_info']);
  const [, context] = Object.entries(info).find(([name]) => name.endsWith('.context_length')) ?? [];
  const [, set] = /^num_ctx\s+(\d+)/m.exec(String(shown['parameters'] ?? '')) ?? [];
  return withFacts(model, { contextLength: toCount(Number(set)) ?? toCount(context), capabilities: shown['capabilities'] });
}

/** https://lmstudio.ai/docs/api/rest-api: `loaded_context_length` holds while the model is loaded. */
function addListed(models: readonly EngineModel[], data: unknown): readonly DiscoveredModel[] {
  const listed = Array.isArray(data) ? data.map(toFields) : [];
  return models.map((model) => {
    const found = toFields(listed.find(({ id }) => id === model.id));
    const contextLength = toCount(found['loaded_context_length']) ?? toCount(found['max_context_length']);
    const kinds = { embeddings: ['embedding'], vlm: ['vision'] }[String(found['type'])] ?? [];
    const said = Array.isArray(found['capabilities']) ? found['capabilities'] : [];
    return withFacts(model, { contextLength, capabilities: [...kinds, ...said] });
  });
}

/** https://docs.sglang.io/basic_usage/native_api.html; both spellings of the path are in use. */
async function askSglang(upstream: Upstream, models: readonly EngineModel[]): Promise<readonly DiscoveredModel[]> {
  const replies = await Promise.all(['/server_info', '/get_server_info'].map((path) => upstream.question(path)));
  const said = replies.map(readAnswer).find((fields) => 'model_path' in fields) ?? {};
  const contextLength = toCount(said['context_length']);
  return models.map((model) => (model.contextLength === undefined ? withFacts(model, { contextLength }) : model));
}

interface Facts {
  readonly contextLength: number | undefined;
  readonly capabilities?: unknown;
}

function withFacts({ id, ...model }: EngineModel, { contextLength, capabilities }: Facts): DiscoveredModel {
  const words = Array.isArray(capabilities) ? capabilities.filter((word) => typeof word === 'string') : [];
  return {
    ...model,
    id,
    ...(contextLength !== undefined && { contextLength }),
    ...(words.length > 0 && { capabilities: words }),
  };
}

const isGood = (reply: EngineReply): reply is EngineAnswer => reply.kind === 'answer' && reply.status === 200;

const readAnswer = (reply: EngineReply): Readonly<Record<string, unknown>> => (isGood(reply) ? readJsonObject(reply.body) : {});
