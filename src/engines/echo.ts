/**
 * The engine without a model: it says what it was told. For a first try, and to see whether a file runs.
 * Everything in an answer follows from the request's bytes (`created` is always 0), so the same file gives the same answers.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Engine, EngineAnswer, EngineModel, EngineRequest } from './engine.ts';

export interface EchoOptions {
  /** How long each answer takes; default at once. */
  readonly latencyMs?: number;
}

/** Makes an echo engine. */
export function makeEchoEngine({ latencyMs = 0 }: EchoOptions = {}): Engine {
  let isClosed = false;
  return {
    name: 'echo',
    slots: undefined,
    models: async () => [ECHO_MODEL],
    async answer(request, signal) {
      await (latencyMs > 0 ? delay(latencyMs, undefined, { signal }).catch(() => undefined) : undefined);
      if (signal.aborted) return { kind: 'silence', cause: 'aborted', message: 'The request was given up.' };
      if (isClosed) return { kind: 'silence', cause: 'connection', message: 'The echo engine was closed.' };
      return echo(request);
    },
    async close() {
      isClosed = true;
    },
  };
}

/** The one model of an echo engine; it answers to any name. */
export const ECHO_MODEL: EngineModel = {
  id: 'echo',
  paths: ['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/responses'],
};

type Fields = Readonly<Record<string, unknown>>;
type Replier = (request: Fields, id: string) => Fields | Refusal;

/** What is wrong with a request, in a sentence. */
type Refusal = string;

function echo({ path, body }: EngineRequest): EngineAnswer {
  const bytes = body.length === 1 && body[0] !== undefined ? body[0] : Buffer.concat(body);
  const reply = REPLIERS[path];
  if (reply === undefined) return refuse(404, `echo has no ${path}; it has ${Object.keys(REPLIERS).join(', ')}.`);
  const request = parse(bytes);
  if (request === undefined) return refuse(400, 'The body should be a JSON object.');
  if (request['stream'] === true) return refuse(400, 'echo does not stream; leave "stream" out.');
  const answer = reply(request, createHash('sha256').update(bytes).digest('hex').slice(0, 24));
  return typeof answer === 'string' ? refuse(400, answer) : toAnswer(200, answer);
}

const REPLIERS: Readonly<Record<string, Replier>> = {
  '/v1/chat/completions': replyToChat,
  '/v1/completions': replyToPrompt,
  '/v1/embeddings': replyWithVectors,
  '/v1/responses': replyToInput,
};

function replyToChat(request: Fields, id: string): Fields | Refusal {
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

function replyToPrompt(request: Fields, id: string): Fields | Refusal {
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

function replyWithVectors(request: Fields): Fields | Refusal {
  const inputs = toStrings(request['input']);
  if (inputs === undefined) return '"input" should be a string or a list of strings.';
  const data = inputs.map((input, index) => ({ object: 'embedding', index, embedding: toVector(input) }));
  const { prompt_tokens } = toUsage(inputs, []);
  return { object: 'list', data, model: request['model'] ?? 'echo', usage: { prompt_tokens, total_tokens: prompt_tokens } };
}

function replyToInput(request: Fields, id: string): Fields | Refusal {
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

const refuse = (status: number, message: string): EngineAnswer =>
  toAnswer(status, { error: { message, type: 'invalid_request_error', param: null, code: null } });

const toAnswer = (status: number, value: unknown): EngineAnswer => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(value)),
});

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

function parse(bytes: Uint8Array): Fields | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
