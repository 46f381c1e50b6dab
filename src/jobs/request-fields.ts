/** The request fields that a job's settings become, by the kind of request. */
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
    if (value === undefined || taken.has(name)) return [];
    const names = aliasesOf(name);
    for (const alias of names) taken.add(alias);
    return [{ names, value: clamp(name, value, maxTokensLimit) }];
  });
  return [...typed, ...extra].map(toField);
}

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

/** `name` and its other names, itself first. */
function aliasesOf(name: string): readonly string[] {
  const aliases = CHAT_NAMES.maxTokens ?? [];
  return aliases.includes(name) ? [name, ...aliases.filter((alias) => alias !== name)] : [name];
}

const clamp = (name: string, value: unknown, limit: number): unknown =>
  typeof value === 'number' && /^max_(?:completion_|output_)?tokens$/.test(name) ? Math.min(value, limit) : value;
