/** A request that somebody waits for: its body checked as a row's is, and made into an engine's request in the same way. */
import { JsonCursor } from '../jsonl/json-cursor.ts';
import type { RowFault } from './bad-line.ts';
import { BodySplicer } from './body-splicer.ts';
import { type BodyReading, checkBody, readBodyMember } from './check-body.ts';
import type { ModelDefaults } from './job.ts';
import { type RequestField, requestFields } from './request-fields.ts';

/** What an engine's request is made with. */
export interface LiveRequestOptions {
  readonly path: string;
  /** The engine's own name for the model. */
  readonly model: string;
  readonly stream: boolean;
  /** What the request gets where it doesn't say. */
  readonly defaults?: ModelDefaults;
  /** A request that asks for more gets this much. */
  readonly maxTokensLimit?: number;
}

const cursor = new JsonCursor();

/** What keeps a body from being sent to `path`; undefined when it is good. The bytes are known to be a JSON object. */
export function checkLiveBody(body: Buffer, path: string): RowFault | undefined {
  const reading: BodyReading = { maxTokens: 0 };
  cursor.reset(body);
  for (let more = cursor.enterObject(); more; more = cursor.nextMember()) readBodyMember(cursor, body, reading);
  return checkBody(reading, path, false);
}

/** The engine's body in pieces; undefined when the bytes are not a JSON object. */
export function makeLiveRequest(body: Buffer, options: LiveRequestOptions): Uint8Array[] | undefined {
  const { path, model, stream, defaults = {}, maxTokensLimit = Number.POSITIVE_INFINITY } = options;
  const fields = [...(stream ? streamFields(path) : []), ...requestFields(defaults, path, maxTokensLimit)];
  return new BodySplicer({ model, fields, maxTokensLimit, systemPrompt: undefined }).splice(body);
}

/** The engine is always asked for the usage; where it stands in the client's stream is decided there. Responses have it without asking. */
const streamFields = (path: string): readonly RequestField[] =>
  path === '/v1/responses' ? [STREAM] : [STREAM, { names: ['stream_options'], bytes: Buffer.from(USAGE_WISH) }];

const STREAM: RequestField = { names: ['stream'], bytes: Buffer.from('"stream":true') };
const USAGE_WISH = '"stream_options":{"include_usage":true}';
