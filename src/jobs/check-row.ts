/** Checks one line of a dataset in one walk over its bytes. */
import type { JsonCursor, JsonKind } from '../jsonl/json-cursor.ts';
import type { Span } from '../jsonl/scan-object.ts';
import { tokenText } from '../jsonl/string-token.ts';
import { WordSet } from '../jsonl/word-set.ts';
import type { BadLine, RowFault } from './bad-line.ts';
import { type BodyReading, checkBody, readBodyMember } from './check-body.ts';
import { checkEnvelope, type Envelope, type Value } from './check-envelope.ts';
import { withArticle } from './kind-words.ts';
import { DEFAULT_PATH, ROW_SHAPES, type RowFormat } from './row-format.ts';
import type { RowModels } from './row-models.ts';

export interface RowRules {
  /** What the first row decided; undefined for the first row itself. */
  readonly format: RowFormat | undefined;
  /** Whether rows may be bare request bodies. */
  readonly bareRows: boolean;
  /** Whether the job puts a system prompt in front of rows. */
  readonly systemPrompt: boolean;
  /** The path that every row must name; undefined: rows say themselves. */
  readonly endpoint?: string | undefined;
  /** Says which model a row runs on. */
  readonly models: RowModels;
}

export interface CheckedRow {
  readonly fault: RowFault | undefined;
  /** The shape of the row, when it has one. */
  readonly format: RowFormat | undefined;
  /** The string token of its `custom_id`, when that is good. */
  readonly id: Span | undefined;
  readonly body: BodyReading;
  /** The number of its model; 0 for a row that can't run. */
  readonly model: number;
}

const MAX_ID_BYTES = 1024;
const KEYS = new WordSet(['custom_id', 'body', 'method', 'url']);

/** Checks a line that is valid UTF-8 and not blank. */
export function checkRow(cursor: JsonCursor, line: Buffer, rules: RowRules): CheckedRow {
  cursor.reset(line);
  const kind = cursor.kind();
  if (kind !== 'object') return refused(notAnObject(cursor, line, kind));
  const row = readRow(cursor, line);
  if (!cursor.finish()) return refused(brokenJson(cursor, line));
  const format = formatOf(row);
  const idFault = checkId(row, line);
  const isBare = format === 'bare' && rules.endpoint === undefined;
  const body = (isBare ? row.top : row.body) ?? NO_BODY;
  const path = pathOf(row, line);
  const fault =
    checkFormat(row, format, rules) ??
    (isBare ? undefined : (idFault ?? checkEnvelope(row, line, rules.endpoint))) ??
    checkBody(body, path, rules.systemPrompt);
  const choice = fault ?? rules.models.choose(line, body.model, path);
  const isGood = typeof choice === 'number';
  return {
    fault: isGood ? undefined : choice,
    format,
    id: idFault === undefined ? row.id : undefined,
    body,
    model: isGood ? choice : 0,
  };
}

/** The sentence that a job fails with: the first bad line, in the words that clients of the original system know, and how many more there are. */
export function failureMessage(file: string, badLines: { readonly count: number; readonly kept: readonly BadLine[] }): string {
  const [first] = badLines.kept;
  if (first === undefined) return `Dataset has a syntax error: chat dataset validation failed on ${file}`;
  const more = badLines.count - 1;
  const rest = more === 0 ? '' : ` (and ${more} more bad ${more === 1 ? 'line' : 'lines'})`;
  return `Dataset has a syntax error: chat dataset validation failed on ${first.file ?? file}:${first.line}: ${first.message}${rest}`;
}

interface RowReading extends Envelope {
  id?: Value;
  /** Undefined when the row's `body` is no object. */
  body?: BodyReading | undefined;
  /** The row read as if it were a body itself. */
  top?: BodyReading;
}

const NO_BODY: BodyReading = { maxTokens: 0 };

const refused = (fault: RowFault): CheckedRow => ({ fault, format: undefined, id: undefined, body: NO_BODY, model: 0 });

function readRow(cursor: JsonCursor, line: Buffer): RowReading {
  const row: RowReading = {};
  for (let more = cursor.enterObject(); more; more = cursor.nextMember()) {
    const key = cursor.keyIn(KEYS);
    if (key === 'custom_id') row.id = passValue(cursor);
    else if (key === 'body') readRowBody(cursor, line, row);
    else if (key === 'method' || key === 'url') row[key] = passValue(cursor);
    else {
      row.top ??= { maxTokens: 0 };
      readBodyMember(cursor, line, row.top);
    }
  }
  return row;
}

function readRowBody(cursor: JsonCursor, line: Buffer, row: RowReading): void {
  const start = cursor.at;
  const kind = cursor.kind();
  row.body = kind === 'object' ? readBody(cursor, line) : undefined;
  if (kind !== 'object') cursor.skipValue();
  row.bodyValue = { start, end: cursor.at, kind };
}

function readBody(cursor: JsonCursor, line: Buffer): BodyReading {
  const body: BodyReading = { maxTokens: 0 };
  for (let more = cursor.enterObject(); more; more = cursor.nextMember()) readBodyMember(cursor, line, body);
  return body;
}

function passValue(cursor: JsonCursor): Value {
  const start = cursor.at;
  const kind = cursor.kind();
  cursor.skipValue();
  return { start, end: cursor.at, kind };
}

function formatOf({ id, bodyValue, url, top }: RowReading): RowFormat | undefined {
  if (url !== undefined) return 'openai';
  if (id !== undefined || bodyValue !== undefined) return 'fireworks';
  return top?.messages === undefined && top?.promptTokenIds === undefined ? undefined : 'bare';
}

/** A job with an endpoint has decided; what a row lacks for that is said member by member. */
function checkFormat(row: RowReading, format: RowFormat | undefined, rules: RowRules): RowFault | undefined {
  if (rules.endpoint !== undefined) return undefined;
  if (format === undefined) return rules.format === 'bare' ? undefined : missingId;
  if (format === 'bare' && !rules.bareRows) return BARE_ROW;
  if (rules.format === undefined || format === rules.format) return undefined;
  return {
    ...(row.url === undefined ? {} : { at: row.url.start }),
    reason: 'MIXED_FORMATS',
    message: `the row is written as ${ROW_SHAPES[format]}, the first one as ${ROW_SHAPES[rules.format]}`,
    remedy: 'Write all rows of a file in one format.',
  };
}

const missingId: RowFault = {
  reason: 'MISSING_CUSTOM_ID',
  message: 'the row has no custom_id',
  remedy: 'Give every row a custom_id of its own, a string: its result is found by it.',
};

const BARE_ROW: RowFault = {
  reason: 'BARE_ROW',
  message: 'the row is a request body alone, without custom_id',
  remedy: 'Wrap the body: {"custom_id": "row-1", "body": {"messages": …}}.',
};

function checkId({ id }: RowReading, line: Buffer): RowFault | undefined {
  if (id === undefined) return missingId;
  const bytes = id.end - id.start - 2;
  if (id.kind !== 'string') return invalidId(id.start, `custom_id must be a string, it is ${withArticle(id.kind)}`);
  if (bytes === 0) return invalidId(id.start, 'custom_id is empty');
  if (bytes <= MAX_ID_BYTES) return undefined;
  const preview = line.toString('utf8', id.start + 1, id.start + 33).replace(/\uFFFD+$/, '');
  return invalidId(id.start, `custom_id "${preview}…" is ${bytes} bytes long`);
}

const invalidId = (at: number, message: string): RowFault => ({
  at,
  reason: 'INVALID_CUSTOM_ID',
  message,
  remedy: `Make custom_id a string of 1 to ${MAX_ID_BYTES} bytes.`,
});

/** Where the row goes; the default also when its `url` is bad, which is another fault. */
function pathOf({ url }: RowReading, line: Buffer): string {
  return url?.kind === 'string' ? tokenText(line.subarray(url.start, url.end)) : DEFAULT_PATH;
}

function notAnObject(cursor: JsonCursor, line: Buffer, kind: JsonKind): RowFault {
  cursor.skipValue();
  if (!cursor.finish()) return brokenJson(cursor, line);
  return {
    reason: 'NOT_AN_OBJECT',
    message: `the line must be a JSON object, it is ${withArticle(kind)}`,
    remedy: "Write one JSON object per line; a file that is one array becomes that with: jq -c '.[]'.",
  };
}

function brokenJson({ fault }: JsonCursor, line: Buffer): RowFault {
  const at = fault?.at ?? 0;
  const found = at >= line.length ? 'the line ends' : `there is ${JSON.stringify(characterAt(line, at))}`;
  return {
    at,
    reason: 'BROKEN_JSON',
    message: `broken JSON: expected ${fault?.expected ?? 'a value'}, but ${found}`,
    remedy: 'Write every row as one complete JSON object on a line of its own (jq -c . writes files so).',
  };
}

const characterAt = (line: Buffer, at: number): string => {
  const [character = ''] = line.toString('utf8', at, at + 4);
  return character;
};
