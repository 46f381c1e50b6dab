/** What echo says to each kind of request: what it was told. `created` is always 0, so the same request gives the same answer. */
import { createHash } from 'node:crypto';
import { packVector } from './pack-vector.ts';

/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** What is wrong with a request, in a sentence. */
export type Refusal = string;

/** The last user message. */
export function replyToChat(request: Fields, id: string) {
  const texts = toTexts(request['messages']);
  if (texts === undefined) return '"messages" should be a list of messages, each with a role, at least one of them.';
  const told = cut(
    texts.findLast(({ role }) => role === 'user')?.text ?? '',
    request['max_completion_tokens'] ?? request['max_tokens'],
  );
  const finish_reason = told.isCut ? 'length' : 'stop';
  const choices = repeat(request['n'], (index) => ({
    index,
    message: { role: 'assistant', content: told.text },
    logprobs: null,
    finish_reason,
  }));
  const usage = toUsage(
    texts.map(({ text }) => text),
    choices.map(() => told.text),
  );
  return { id: `chatcmpl-${id}`, object: 'chat.completion', created: 0, model: request['model'] ?? 'echo', choices, usage };
}

/** Every prompt. */
export function replyToPrompt(request: Fields, id: string) {
  const prompts = toStrings(request['prompt']);
  if (prompts === undefined) return '"prompt" should be a string or a list of strings.';
  const told = prompts.map((prompt) => cut(prompt, request['max_tokens']));
  const choices = told.map(({ text, isCut }, index) => ({
    index,
    text,
    logprobs: null,
    finish_reason: isCut ? 'length' : 'stop',
  }));
  const usage = toUsage(
    prompts,
    told.map(({ text }) => text),
  );
  return { id: `cmpl-${id}`, object: 'text_completion', created: 0, model: request['model'] ?? 'echo', choices, usage };
}

/** A vector for every text. */
export function replyWithVectors(request: Fields) {
  const inputs = toStrings(request['input']);
  if (inputs === undefined) return '"input" should be a string or a list of strings.';
  const write = request['encoding_format'] === 'base64' ? packVector : (vector: readonly number[]) => vector;
  const data = inputs.map((input, index) => ({ object: 'embedding', index, embedding: write(toVector(input)) }));
  const { prompt_tokens } = toUsage(inputs, []);
  return { object: 'list', data, model: request['model'] ?? 'echo', usage: { prompt_tokens, total_tokens: prompt_tokens } };
}

/** The last user message of the input. */
export function replyToInput(request: Fields, id: string) {
  const input = request['input'];
  const texts = typeof input === 'string' ? [{ role: 'user', text: input }] : toTexts(input);
  if (texts === undefined) return '"input" should be a string or a list of messages.';
  const told = cut(texts.findLast(({ role }) => role === 'user')?.text ?? '', request['max_output_tokens']);
  const usage = toUsage(
    texts.map(({ text }) => text),
    [told.text],
  );
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: 0,
    status: told.isCut ? 'incomplete' : 'completed',
    model: request['model'] ?? 'echo',
    output: [
      {
        type: 'message',
        id: `msg_${id}`,
        status: 'completed',
        role: 'assistant',
        content: [{ type: 'output_text', text: told.text, annotations: [] }],
      },
    ],
    usage: { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens, total_tokens: usage.total_tokens },
  };
}

interface Said {
  readonly role: string;
  readonly text: string;
}

function toTexts(messages: unknown): readonly Said[] | undefined {
  if (!Array.isArray(messages) || messages.length === 0) return undefined;
  if (!messages.every((message) => isFields(message) && typeof message['role'] === 'string')) return undefined;
  return messages.map(({ role, content }) => ({ role, text: toText(content) }));
}

/** Content is a string, or parts of which the texts count. */
function toText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (isFields(part) && typeof part['text'] === 'string' ? part['text'] : '')).join('');
}

function toStrings(value: unknown): readonly string[] | undefined {
  const strings = typeof value === 'string' ? [value] : value;
  return Array.isArray(strings) && strings.length > 0 && strings.every((entry) => typeof entry === 'string')
    ? strings
    : undefined;
}

/** A token is four bytes here. */
const BYTES_PER_TOKEN = 4;

const countTokens = (text: string): number => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);

function toUsage(prompts: readonly string[], completions: readonly string[]) {
  const sum = (texts: readonly string[]) => texts.reduce((tokens, text) => tokens + countTokens(text), 0);
  const [prompt_tokens, completion_tokens] = [sum(prompts), sum(completions)];
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

/** Keeps so many tokens, and no half character at the end. */
function cut(text: string, maxTokens: unknown): { readonly text: string; readonly isCut: boolean } {
  if (typeof maxTokens !== 'number' || countTokens(text) <= maxTokens) return { text, isCut: false };
  const kept = Buffer.from(text).subarray(0, Math.max(0, maxTokens) * BYTES_PER_TOKEN);
  return { text: new TextDecoder().decode(kept, { stream: true }), isCut: true };
}

const repeat = <T>(times: unknown, make: (index: number) => T): T[] =>
  Array.from({ length: typeof times === 'number' && times > 1 ? Math.min(Math.floor(times), 128) : 1 }, (_, index) =>
    make(index),
  );

const DIMENSIONS = 8;

/** Of length 1, and the same for the same text. */
function toVector(text: string): readonly number[] {
  const digest = createHash('sha256').update(text).digest();
  const raw = Array.from({ length: DIMENSIONS }, (_, at) => digest.readInt32LE(at * 4) / 2 ** 31);
  const length = Math.hypot(...raw);
  return raw.map((value) => value / length);
}

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
