/** The parameters of chat completions, completions and embeddings, with their ranges: closed lists. A job may set them for all its rows. */
import { z } from 'zod';
import { PARAMETER_WORDS } from './parameter-words.ts';

const between = (least: number, most: number) => z.number().min(least).max(most);
const whole = (least: number, most = Number.MAX_SAFE_INTEGER) => z.int().min(least).max(most);

const Tool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 letters, digits, _ and -'),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: z.boolean().nullish(),
  }),
});

const NamedFunction = z.strictObject({ type: z.literal('function'), function: z.strictObject({ name: z.string() }) });

const generation = {
  max_tokens: whole(1),
  max_completion_tokens: whole(1),
  temperature: between(0, 2),
  top_p: between(0, 1),
  min_p: between(0, 1),
  typical_p: between(0, 1),
  top_k: whole(0, 100),
  n: whole(1, 128),
  stop: z.union([z.string(), z.array(z.string()).max(4)], { error: 'expected a string, or a list of at most 4' }),
  frequency_penalty: between(-2, 2),
  presence_penalty: between(-2, 2),
  repetition_penalty: between(0, 2),
  logit_bias: z.record(z.string(), between(-100, 100)),
  logprobs: z.union([z.boolean(), whole(0, 5)], { error: 'expected true, false, or a whole number from 0 to 5' }),
  top_logprobs: whole(0, 5),
  echo: z.boolean(),
  echo_last: whole(0),
  ignore_eos: z.boolean(),
  seed: z.int(),
  response_format: z.strictObject({
    type: z.enum(['text', 'json_object', 'json_schema', 'grammar']),
    schema: z.record(z.string(), z.unknown()).nullish(),
    grammar: z.string().nullish(),
    json_schema: z.record(z.string(), z.unknown()).nullish(),
  }),
  tools: z.array(Tool),
  tool_choice: z.union([z.enum(['auto', 'none', 'any', 'required']), NamedFunction], {
    error: 'expected auto, none, any, required or {"type": "function", "function": {"name": …}}',
  }),
  parallel_tool_calls: z.boolean(),
  functions: z.array(z.record(z.string(), z.unknown())),
  function_call: z.union([z.enum(['auto', 'none']), z.strictObject({ name: z.string() })], {
    error: 'expected auto, none or {"name": …}',
  }),
  reasoning_effort: z.union([z.enum(['low', 'medium', 'high', 'max', 'none']), z.boolean(), whole(1)], {
    error: 'expected low, medium, high, max, none, true, false or a whole number from 1',
  }),
  reasoning_history: z.enum(['disabled', 'interleaved', 'preserved']),
  thinking: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('enabled'), budget_tokens: whole(1024).nullish() }),
    z.strictObject({ type: z.literal('disabled') }),
  ]),
  service_tier: z.enum(['auto', 'default', 'flex', 'priority']),
  user: z.string(),
  prompt_cache_key: z.string(),
  prompt_cache_isolation_key: z.string(),
  context_length_exceeded_behavior: z.enum(['truncate', 'error']),
  prompt_truncate_len: whole(0),
  raw_output: z.boolean(),
  perf_metrics_in_response: z.boolean(),
  return_token_ids: z.boolean(),
  safe_tokenization: z.boolean(),
  speculation: z.union([z.string(), z.array(whole(0))], { error: 'expected a string or a list of token ids' }),
  prediction: z.strictObject({ type: z.literal('content'), content: z.union([z.string(), z.array(z.unknown())]) }),
  mirostat_target: z.number(),
  mirostat_lr: z.number(),
  metadata: z.record(z.string(), z.unknown()),
};

const embedding = {
  dimensions: whole(1),
  encoding_format: z.enum(['float', 'base64']),
  normalize: z.boolean(),
  prompt_template: z.string(),
};

const common = {
  user: generation.user,
  service_tier: generation.service_tier,
  prompt_cache_key: generation.prompt_cache_key,
  prompt_cache_isolation_key: generation.prompt_cache_isolation_key,
  metadata: generation.metadata,
};

/** Null is as good as absent. */
const optional = (fields: Readonly<Record<string, z.ZodType>>) =>
  z.strictObject(
    Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, field.nullish().describe(PARAMETER_WORDS[name] ?? name)]),
    ),
  );

/** What a request of chat or text completions may say besides what it is about. */
export const GenerationParameters = optional(generation);
/** What a request of embeddings may say besides its input. */
export const EmbeddingParameters = optional({ ...common, ...embedding });

const stream = z.literal(false, { error: 'batch answers are not streamed: leave it out' });
const JobParameters = optional({ ...generation, ...embedding, stream });

/** Fields that contradict each other. */
const PAIRS = [
  ['max_tokens', 'max_completion_tokens'],
  ['thinking', 'reasoning_effort'],
] as const;

/** What is wrong with the first parameter that can't be set so, with its name; undefined when all are good. The list is that of jobs when absent. */
export function findBadParameter(
  parameters: Readonly<Record<string, unknown>>,
  list: z.ZodType = JobParameters,
): { readonly field: string; readonly message: string } | undefined {
  const parsed = list.safeParse(parameters);
  if (!parsed.success) return toFault(parsed.error.issues[0], parameters);
  const isSet = (name: string): boolean => parameters[name] !== undefined && parameters[name] !== null;
  const pair = PAIRS.find((names) => names.every(isSet));
  if (pair !== undefined) return { field: pair[1], message: `${pair.join(' and ')} can't both be set` };
  if (isSet('top_logprobs') && !parameters['logprobs'])
    return { field: 'top_logprobs', message: 'top_logprobs needs logprobs to be true' };
  return undefined;
}

function toFault(issue: z.core.$ZodIssue | undefined, parameters: Readonly<Record<string, unknown>>) {
  const path = issue?.path.map(String) ?? [];
  if (issue?.code !== 'unrecognized_keys') {
    const field = path.join('.');
    return { field, message: `"${field}" can't be read: ${issue?.message ?? 'unknown fault'}` };
  }
  const [key = ''] = issue.keys;
  const field = [...path, key].join('.');
  const value = path.length === 0 ? `, value: ${shorten(JSON.stringify(parameters[key]))}` : '';
  return { field, message: `Extra inputs are not permitted, field: '${field}'${value}` };
}

const shorten = (text: string): string => (text.length > 100 ? `${text.slice(0, 99).toWellFormed()}…` : text);
