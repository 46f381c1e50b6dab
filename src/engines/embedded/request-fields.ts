/** Every field of a request: what this engine reads, what changes nothing here, and what it refuses rather than answer something else. */
import { type Fields, readChoice, readFields, readText, refuseOthers, wrong } from './fields.ts';
import { Refusal } from './refusal.ts';

const READ_BY_BOTH = [
  'context_length_exceeded_behavior',
  'frequency_penalty',
  'ignore_eos',
  'logit_bias',
  'logprobs',
  'max_tokens',
  'min_p',
  'model',
  'n',
  'presence_penalty',
  'repetition_penalty',
  'response_format',
  'seed',
  'stop',
  'stream',
  'stream_options',
  'temperature',
  'top_k',
  'top_p',
] as const;
const READ_BY_CHAT = [
  'chat_template_kwargs',
  'max_completion_tokens',
  'messages',
  'parallel_tool_calls',
  'reasoning_effort',
  'reasoning_history',
  'thinking',
  'tool_choice',
  'tools',
  'top_logprobs',
] as const;
const READ_BY_COMPLETIONS = ['prompt'] as const;

type Check = (body: Fields, name: string) => unknown;

/** They change where or how fast an answer is made, or who it is billed to, never what it may be: only their form is looked at. */
const WITHOUT_EFFECT: Readonly<Record<string, Check>> = {
  metadata: readFields,
  prediction: checkPrediction,
  prompt_cache_key: readText,
  service_tier: (body, name) => readChoice(body, name, ['auto', 'default', 'flex', 'priority']),
  speculation: checkSpeculation,
  user: readText,
};

/** Known, but not done here: only the value that asks for nothing passes. */
const REFUSED: Readonly<Record<string, readonly unknown[]>> = {
  best_of: [1],
  echo: [false],
  echo_last: [0],
  function_call: ['none'],
  functions: [],
  mirostat_lr: [],
  mirostat_target: [],
  perf_metrics_in_response: [false],
  prompt_cache_isolation_key: [],
  prompt_truncate_len: [],
  raw_output: [false],
  return_token_ids: [false],
  store: [false],
  suffix: [''],
  typical_p: [1],
};
const ADVICE: Readonly<Record<string, string>> = {
  function_call: "It is the older form of 'tool_choice': give that.",
  functions: "It is the older form of 'tools': give those.",
};

const READ_BY_EMBEDDINGS = ['dimensions', 'encoding_format', 'input', 'model', 'normalize'] as const;
const WITHOUT_EFFECT_ON_EMBEDDINGS = ['metadata', 'prompt_cache_key', 'service_tier', 'user'] as const;
const REFUSED_OF_EMBEDDINGS: typeof REFUSED = { prompt_cache_isolation_key: [], prompt_template: [''] };

/** Which fields a request may have. */
export type RequestKind = 'chat' | 'completions' | 'embeddings';

const common = [...READ_BY_BOTH, 'safe_tokenization', ...Object.keys(WITHOUT_EFFECT), ...Object.keys(REFUSED)];
const KNOWN: Readonly<Record<RequestKind, ReadonlySet<string>>> = {
  chat: new Set<string>([...common, ...READ_BY_CHAT]),
  completions: new Set<string>([...common, ...READ_BY_COMPLETIONS]),
  embeddings: new Set<string>([...READ_BY_EMBEDDINGS, ...WITHOUT_EFFECT_ON_EMBEDDINGS, ...Object.keys(REFUSED_OF_EMBEDDINGS)]),
};

/** Refuses unknown fields, and known ones whose wish would be passed over. */
export function checkFields(body: Fields, kind: RequestKind): void {
  refuseOthers(body, KNOWN[kind]);
  for (const [name, harmless] of Object.entries(kind === 'embeddings' ? REFUSED_OF_EMBEDDINGS : REFUSED)) {
    if (body[name] !== undefined && !harmless.includes(body[name])) throw notDone(name, ADVICE[name]);
  }
  for (const [name, check] of Object.entries(WITHOUT_EFFECT)) check(body, name);
  // The usage is told whether it is asked for or not.
  const options = readFields(body, 'stream_options');
  if (options !== undefined) refuseOthers(options, new Set(['include_usage']), 'stream_options.');
}

/** The refusal of what other engines may do. */
export const notDone = (name: string, advice = 'Leave it out, or use another engine.'): Refusal =>
  new Refusal(`The embedded engine does not do '${name}'. ${advice}`, { param: name, code: 'unsupported_parameter' });

function checkPrediction(body: Fields): void {
  const prediction = readFields(body, 'prediction');
  if (prediction === undefined) return;
  const { type, content } = prediction;
  if (type === 'content' && (typeof content === 'string' || Array.isArray(content))) return;
  throw wrong('prediction', "of type 'content', with a content", prediction);
}

function checkSpeculation({ speculation }: Fields): void {
  if (speculation === undefined || typeof speculation === 'string') return;
  if (Array.isArray(speculation) && speculation.every((id) => Number.isInteger(id))) return;
  throw wrong('speculation', 'a string or a list of token ids', speculation);
}
