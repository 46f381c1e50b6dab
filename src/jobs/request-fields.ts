/** The request fields that a job's settings become, by the kind of request. */
import { EmbeddingParameters, GenerationParameters } from '../contract/chat-parameters.ts';
import type { JobSettings } from './job.ts';

/** One field that a row gets from its job unless it has it already, under any of its names. */
export interface RequestField {
  readonly names: readonly string[];
  /** `"temperature":0.5` */
  readonly bytes: Buffer;
}

/** The job decides these, or the row alone does; settings can't. */
const NEVER_SET: readonly string[] = ['model', 'stream', 'stream_options', 'messages', 'prompt_token_ids', 'prompt', 'input'];

type TypedSetting = 'maxTokens' | 'temperature' | 'topP' | 'topK' | 'n';

/** The wire's names; the first is the one we write. Any of them in a row means that the row has chosen. */
const CHAT_NAMES: Readonly<Partial<Record<TypedSetting, readonly string[]>>> = {
  maxTokens: ['max_tokens', 'max_completion_tokens'],
  temperature: ['temperature'],
  topP: ['top_p'],
  topK: ['top_k'],
  n: ['n'],
};
const RESPONSES_NAMES: typeof CHAT_NAMES = {
  maxTokens: ['max_output_tokens'],
  temperature: ['temperature'],
  topP: ['top_p'],
};

const GENERATION = new Set(Object.keys(GenerationParameters.shape));
const EMBEDDING = new Set(Object.keys(EmbeddingParameters.shape));
const TOOLS = new Set(['tools', 'tool_choice', 'parallel_tool_calls', 'functions', 'function_call']);
/** What responses have in the shape of chat completions; tools and formats of answers have others there. */
const SHARED = [
  'temperature',
  'top_p',
  'top_logprobs',
  'parallel_tool_calls',
  'metadata',
  'service_tier',
  'user',
  'prompt_cache_key',
];

const DOCUMENTED = GENERATION.union(EMBEDDING);

/** The documented parameters that a kind of request has. What nobody documents is an engine's own, and goes everywhere. */
const PARAMETERS: Readonly<Record<string, ReadonlySet<string>>> = {
  '/v1/chat/completions': GENERATION,
  '/v1/completions': GENERATION.difference(TOOLS),
  '/v1/embeddings': EMBEDDING,
  '/v1/responses': new Set(SHARED),
};

/** Which typed settings mean something to a kind of request. Embeddings know none. */
const NAMES: Readonly<Record<string, typeof CHAT_NAMES>> = {
  '/v1/chat/completions': CHAT_NAMES,
  '/v1/completions': CHAT_NAMES,
  '/v1/responses': RESPONSES_NAMES,
};

/** A typed setting beats the same field in `extraBody`; of two names for one idea in there, the first one counts. */
export function requestFields(settings: JobSettings, path: string, maxTokensLimit: number): readonly RequestField[] {
  const typed = Object.entries(NAMES[path] ?? {}).flatMap(([setting, names]) => {
    // The table's keys are settings, which `Object.entries` forgets.
    const value = settings[setting as TypedSetting];
    return value === undefined ? [] : [{ names, value: setting === 'maxTokens' ? Math.min(value, maxTokensLimit) : value }];
  });
  const taken = new Set([...NEVER_SET, ...typed.flatMap(({ names }) => names)]);
  const extra = Object.entries(settings.extraBody ?? {}).flatMap(([name, value]) => {
    const names = value === undefined ? [] : namesAt(path, name);
    if (names.length === 0 || names.some((alias) => taken.has(alias))) return [];
    for (const alias of names) taken.add(alias);
    return [{ names, value: clamp(name, value, maxTokensLimit) }];
  });
  return [...typed, ...extra, ...instructions(settings, path, taken)].map(toField);
}

/** What a system prompt is where there are no messages that it could lead. */
const instructions = ({ systemPrompt }: JobSettings, path: string, taken: ReadonlySet<string>) =>
  path !== '/v1/responses' || systemPrompt === undefined || taken.has('instructions')
    ? []
    : [{ names: ['instructions'], value: systemPrompt }];

/** Fields on top of weaker ones: of two with a name in common the first one counts. */
export function layered(fields: readonly RequestField[], weaker: readonly RequestField[]): readonly RequestField[] {
  const taken = new Set(fields.flatMap(({ names }) => names));
  return [...fields, ...weaker.filter(({ names }) => !names.some((name) => taken.has(name)))];
}

function toField({ names, value }: { readonly names: readonly string[]; readonly value: unknown }): RequestField {
  return {
    names,
    bytes: Buffer.from(`${JSON.stringify(names[0])}:${JSON.stringify(value)}`),
  };
}

/** The names that a further field goes by at this endpoint, the one that is written first; none where there is no such field. */
function namesAt(path: string, name: string): readonly string[] {
  const limits = NAMES[path]?.maxTokens ?? [];
  if (limits.includes(name)) return [name, ...limits.filter((alias) => alias !== name)];
  if (CHAT_NAMES.maxTokens?.includes(name)) return limits;
  return DOCUMENTED.has(name) && PARAMETERS[path]?.has(name) === false ? [] : [name];
}

const clamp = (name: string, value: unknown, limit: number): unknown =>
  typeof value === 'number' && /^max_(?:completion_|output_)?tokens$/.test(name) ? Math.min(value, limit) : value;
