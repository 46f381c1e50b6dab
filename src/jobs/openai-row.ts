/**
 * Result rows in OpenAI's shape, spliced from the bytes of ours. Each row grows by a constant, so that the size of a file, and where a row of it is,
 * are known before it is read.
 */
import { hash } from 'node:crypto';
import { Problem } from '../base/problem.ts';
import { QUOTE } from '../jsonl/ascii.ts';
import { skipString } from '../jsonl/skip-string.ts';
import type { ResultRow } from './result-row.ts';
import type { Outcome } from './states.ts';

type Kind = ResultRow['kind'];

/** What is before and behind the bytes that stay, in our shape and in OpenAI's. The `#` are room for an id or a status. */
interface Shape {
  readonly ours: { readonly middle: string; readonly end: string };
  readonly theirs: { readonly middle: string; readonly end: string };
}

const ID_DIGITS = 24;
const ROOM = '#'.repeat(ID_DIGITS);
const OUR_HEAD = '{"custom_id":';
const THEIR_HEAD = `{"id":"batch_req_${ROOM}","custom_id":`;
const REQUEST = `"request_id":"req_${ROOM}"`;

const SHAPES: Readonly<Record<Kind, Shape>> = {
  success: {
    ours: { middle: ',"response":', end: '}\n' },
    theirs: { middle: `,"response":{"status_code":200,${REQUEST},"body":`, end: '},"error":null}\n' },
  },
  failure: {
    ours: { middle: ',"error":{"code":###,', end: '}}\n' },
    theirs: {
      middle: `,"response":{"status_code":###,${REQUEST},"body":{"error":{`,
      end: ',"param":null,"code":null}}},"error":null}\n',
    },
  },
};

/** By how many bytes a row of the kind is longer in OpenAI's shape. */
export const growthOf = (kind: Kind): number => {
  const { ours, theirs } = SHAPES[kind];
  const lengthOf = (head: string, { middle, end }: Shape['ours']) => head.length + middle.length + end.length;
  return lengthOf(THEIR_HEAD, theirs) - lengthOf(OUR_HEAD, ours);
};

/** A line of one of our output files, without its line end, as OpenAI writes it: in pieces, with a line end. Its ids are the same whenever it is read. */
export function spliceRow(line: Buffer, kind: Kind, jobUid: string): readonly Buffer[] {
  const { ours, theirs } = SHAPES[kind];
  const id = idIn(line);
  const bodyStart = OUR_HEAD.length + id.length + ours.middle.length;
  const { row, request } = makeIds(jobUid, id[0] === QUOTE ? id : line);
  const middle = theirs.middle.replace(ROOM, request).replace('###', statusIn(line, bodyStart));
  const body = line.subarray(bodyStart, line.length + 1 - ours.end.length);
  return [Buffer.from(THEIR_HEAD.replace(ROOM, row)), id, Buffer.from(middle), body, Buffer.from(theirs.end)];
}

/** The same in one piece, of a line with its end. */
export const toOpenaiRow = (line: Buffer, kind: Kind, jobUid: string): Buffer =>
  Buffer.concat(spliceRow(line.subarray(0, -1), kind, jobUid));

/** The name of the file that a job's rows which never ran are kept in: in OpenAI's shape already, as no other dialect lists them. */
export const UNFINISHED_FILE = 'unfinished';

/** Why a row of a batch never ran: the code and the words by how the batch ended. */
const UNFINISHED: Readonly<Record<Exclude<Outcome, 'COMPLETED'>, readonly [code: string, message: string]>> = {
  EXPIRED: ['batch_expired', 'This request could not be executed before the batch expired.'],
  CANCELLED: ['batch_cancelled', 'This request was not executed: the batch was cancelled.'],
  FAILED: ['batch_failed', 'This request was not executed: the batch failed.'],
};

/** The line, with its end, of a row that never ran. `customId` is the row's raw JSON string token. */
export function toUnfinishedRow(customId: Buffer, outcome: keyof typeof UNFINISHED, jobUid: string): Buffer {
  const [code, message] = UNFINISHED[outcome];
  return Buffer.concat([
    Buffer.from(THEIR_HEAD.replace(ROOM, makeIds(jobUid, customId).row)),
    customId,
    Buffer.from(`,"response":null,"error":${JSON.stringify({ code, message })}}\n`),
  ]);
}

/** A job's `custom_id`s are its own, so they tell its rows apart. */
const makeIds = (jobUid: string, customId: Buffer): { readonly row: string; readonly request: string } => {
  const digits = hash('sha256', Buffer.concat([Buffer.from(jobUid), customId]), 'hex');
  return { row: digits.slice(0, ID_DIGITS), request: digits.slice(ID_DIGITS, 2 * ID_DIGITS) };
};

const NULL_BYTES = 4;

/** The token of the line's `custom_id`: a string, or null on a line that had none. */
function idIn(line: Buffer): Buffer {
  const start = OUR_HEAD.length;
  if (line[start] !== QUOTE) return line.subarray(start, start + NULL_BYTES);
  const memory = new DataView(line.buffer, line.byteOffset, line.length);
  const end = skipString(memory, start + 1, line.length);
  if (end > 0) return line.subarray(start, end);
  throw new Problem('DATA_LOSS', 'A line of an output file is damaged: its custom_id has no end.', { reason: 'OUTPUT_CORRUPT' });
}

/** OpenAI's error files know refusals only; an engine that redirected gave no answer either. */
const statusIn = (line: Buffer, bodyStart: number): string => {
  const status = line.toString('latin1', bodyStart - 4, bodyStart - 1);
  return status < '400' ? '502' : status;
};
