/** Makes an engine's request out of a row's bytes: what the row says is forwarded untouched, what the job says is spliced in. */
import { Problem } from '../base/problem.ts';
import { JsonCursor } from '../jsonl/json-cursor.ts';
import type { Span } from '../jsonl/scan-object.ts';
import { tokenText } from '../jsonl/string-token.ts';
import { WordSet } from '../jsonl/word-set.ts';
import { BodySplicer } from './body-splicer.ts';
import type { JobSettings, ModelDefaults } from './job.ts';
import { layered, requestFields } from './request-fields.ts';
import { bareRowId, DEFAULT_PATH, ROW_PATHS, type RowFormat } from './row-format.ts';

export interface RequestOptions {
  /** The engine's own name for the model. */
  readonly model: string;
  readonly format: RowFormat;
  /** A row or job that asks for more gets this much. */
  readonly maxTokensLimit?: number;
  /** The model's own defaults; whatever the job sets wins. */
  readonly defaults?: ModelDefaults;
}

interface RowRequest {
  /** The raw JSON string token, quotes and escapes included. */
  readonly customId: Buffer;
  readonly path: string;
  /** The JSON body in pieces, in order. Pieces are views of the line. */
  readonly body: Uint8Array[];
}

export interface RequestMaker {
  /** `line` is the row's line without its line end; `row` its number in the input, from 0. */
  make(line: Buffer, row: number): RowRequest;
}

/** Prepares all that is the same for every row of a job. */
export function compileRequest(settings: JobSettings, options: RequestOptions): RequestMaker {
  const { model, format, maxTokensLimit = Number.POSITIVE_INFINITY, defaults = {} } = options;
  const splicers = new Map(
    ROW_PATHS.map((path) => {
      const fields = layered(requestFields(settings, path, maxTokensLimit), requestFields(defaults, path, maxTokensLimit));
      const systemPrompt = path === DEFAULT_PATH ? settings.systemPrompt : undefined;
      return [path, new BodySplicer({ model, fields, maxTokensLimit, systemPrompt })];
    }),
  );
  return { make: (line, row) => makeRequest(readEnvelope(line, row, format), line, splicers) };
}

interface Envelope {
  readonly customId: Buffer;
  readonly path: string;
  readonly body: Span;
}

function makeRequest({ customId, path, body }: Envelope, line: Buffer, splicers: ReadonlyMap<string, BodySplicer>): RowRequest {
  const pieces = splicers.get(path)?.splice(line.subarray(body.start, body.end));
  if (pieces === undefined) throw unreadable(`nothing is known about ${path}`);
  return { customId, path, body: pieces };
}

const KEYS = new WordSet(['custom_id', 'body', 'url']);
const cursor = new JsonCursor();

function readEnvelope(line: Buffer, row: number, format: RowFormat): Envelope {
  if (format === 'bare')
    return { customId: Buffer.from(bareRowId(row)), path: DEFAULT_PATH, body: { start: 0, end: line.length } };
  let customId: Buffer | undefined;
  let body: Span | undefined;
  let path = DEFAULT_PATH;
  cursor.reset(line);
  for (let more = cursor.enterObject(); more; more = cursor.nextMember()) {
    const start = cursor.at;
    const key = cursor.keyIn(KEYS);
    cursor.skipValue();
    if (key === 'custom_id') customId = line.subarray(start, cursor.at);
    if (key === 'body') body = { start, end: cursor.at };
    if (key === 'url' && format === 'openai') path = tokenText(line.subarray(start, cursor.at));
  }
  if (!cursor.finish() || customId === undefined || body === undefined)
    throw unreadable(`row ${row + 1} is not as it was checked`);
  return { customId, path, body };
}

const unreadable = (cause: string): Problem =>
  new Problem('DATA_LOSS', `A row that passed the checks can't be read any more: ${cause}.`, { reason: 'ROW_UNREADABLE' });
