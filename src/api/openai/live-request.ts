/** Reads a live request: its bytes as they came, checked by the lists and rules of its kind. */
import type { HonoRequest } from 'hono';
import type { z } from 'zod';
import type { LiveRequest } from '../../actions/answer-live.ts';
import { checkText } from '../../actions/check-text.ts';
import type { Limits } from '../../actions/context.ts';
import { Problem } from '../../base/problem.ts';
import { EmbeddingParameters, findBadParameter, GenerationParameters } from '../../contract/chat-parameters.ts';
import { StreamOptions } from '../../contract/openai/live.ts';
import { checkLiveBody } from '../../jobs/live-request.ts';
import type { UsagePlace } from '../../jobs/place-usage.ts';
import { parseJson, readBody } from '../read-json.ts';

/** A request that can be sent, and where its sender looks for the usage. */
export interface ReadLiveRequest extends LiveRequest {
  readonly usagePlace: UsagePlace;
}

const LONGEST_MS = 60_000;

/** What may stand beside what a request is about, by its path; a path that isn't here leaves that to its engine. */
const PARAMETERS: Readonly<Record<string, z.ZodType>> = {
  '/v1/chat/completions': GenerationParameters,
  '/v1/completions': GenerationParameters,
  '/v1/embeddings': EmbeddingParameters,
};

type Fields = Readonly<Record<string, unknown>>;

/** What a request is held to. */
export interface LiveLimits extends Pick<Limits, 'anyParameters' | 'liveBytes'> {
  /** Hears of every piece of the body as it comes, and may refuse it. */
  readonly onBytes: (bytes: number) => void;
}

/** Throws a `Problem` INVALID_ARGUMENT that names the field. */
export async function readLiveRequest(request: HonoRequest, path: string, limits: LiveLimits): Promise<ReadLiveRequest> {
  const body = await readBody(request, { bytes: limits.liveBytes, ms: LONGEST_MS, onBytes: limits.onBytes });
  const fields = parseJson(body);
  if (!isFields(fields)) throw invalid('', 'The body should be a JSON object.');
  const { model, stream, stream_options: options, messages, prompt_token_ids, prompt, input, ...parameters } = fields;
  if (typeof model !== 'string' || model === '')
    throw invalid('model', 'The field "model" should name the model that shall answer.');
  // What the request is about goes to the engine as bytes; this is looked up and said again.
  checkText({ model, parameters });
  checkParameters(path, parameters, limits);
  checkSubject(path, body);
  const usagePlace = readUsagePlace(path, { stream, options });
  return { path, model, body, stream: stream === true, usagePlace };
}

function checkParameters(path: string, parameters: Fields, { anyParameters }: LiveLimits): void {
  const list = PARAMETERS[path];
  if (list === undefined || anyParameters) return;
  const fault = findBadParameter(parameters, list);
  if (fault !== undefined) throw invalid(fault.field, fault.message);
}

function checkSubject(path: string, body: Buffer): void {
  const fault = checkLiveBody(body, path);
  if (fault === undefined) return;
  const field = SUBJECTS[path] ?? '';
  throw new Problem('INVALID_ARGUMENT', `${fault.message}. ${fault.remedy}`, { reason: fault.reason, details: { field } });
}

const SUBJECTS: Readonly<Record<string, string>> = {
  '/v1/chat/completions': 'messages',
  '/v1/completions': 'prompt',
  '/v1/embeddings': 'input',
  '/v1/responses': 'input',
};

function readUsagePlace(path: string, { stream, options }: { readonly stream: unknown; readonly options: unknown }): UsagePlace {
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean')
    throw invalid('stream', 'The field "stream" should be true or false.');
  if (stream === true && path === '/v1/embeddings') throw invalid('stream', 'Embeddings are not streamed: leave "stream" out.');
  if (options === undefined || options === null || path === '/v1/responses') return 'in-last-chunk';
  if (stream !== true) throw invalid('stream_options', 'The field "stream_options" should only be there where "stream" is true.');
  const read = StreamOptions.safeParse(options);
  if (!read.success)
    throw invalid('stream_options', `The field "stream_options" can't be read: ${read.error.issues[0]?.message}.`);
  return read.data.include_usage === true ? 'in-own-chunk' : 'in-last-chunk';
}

const invalid = (field: string, message: string): Problem =>
  new Problem('INVALID_ARGUMENT', message, { reason: 'INVALID_FIELD', details: { field } });

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
