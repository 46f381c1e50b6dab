/** Every field of a request: what this engine reads, what it ignores, and what it refuses rather than answer something else. */
import { type Fields, refuseOthers } from './fields.ts';
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
const READ_BY_CHAT = ['chat_template_kwargs', 'max_completion_tokens', 'messages', 'top_logprobs'] as const;
const READ_BY_COMPLETIONS = ['prompt', 'safe_tokenization'] as const;

/** Without meaning here: they change where or how fast an answer is made, or who it is billed to, never what it may be. */
const IGNORED = [
  'metadata',
  'parallel_tool_calls',
  'perf_metrics_in_response',
  'prediction',
  'prompt_cache_isolation_key',
  'prompt_cache_key',
  'reasoning_history',
  'service_tier',
  'speculation',
  'store',
  'user',
] as const;

/** Known, but not done here: only the value that asks for nothing passes. */
const REFUSED: Readonly<Record<string, readonly unknown[]>> = {
  best_of: [1],
  echo: [false],
  echo_last: [0],
  function_call: ['none'],
  functions: [],
  mirostat_lr: [],
  mirostat_target: [],
  prompt_truncate_len: [],
  raw_output: [false],
  return_token_ids: [false],
  suffix: [''],
  typical_p: [1],
};

/** Chat only: contents are always kept apart from the template's own markers, and reasoning is the template's business. */
const CHAT_ONLY = ['reasoning_effort', 'safe_tokenization', 'thinking', 'tool_choice', 'tools'] as const;

/** Which fields a request may have. */
export type RequestKind = 'chat' | 'completions';

const common = [...READ_BY_BOTH, ...IGNORED, ...Object.keys(REFUSED)];
const KNOWN: Readonly<Record<RequestKind, ReadonlySet<string>>> = {
  chat: new Set<string>([...common, ...READ_BY_CHAT, ...CHAT_ONLY]),
  completions: new Set<string>([...common, ...READ_BY_COMPLETIONS]),
};

/** Refuses unknown fields, and known ones whose wish would be passed over. */
export function checkFields(body: Fields, kind: RequestKind): void {
  refuseOthers(body, KNOWN[kind]);
  for (const [name, harmless] of Object.entries(REFUSED)) {
    const value = body[name];
    if (value === undefined || value === null || harmless.includes(value)) continue;
    throw new Refusal(`The embedded engine does not do '${name}'. Leave it out, or use another engine.`, {
      param: name,
      code: 'unsupported_parameter',
    });
  }
}
