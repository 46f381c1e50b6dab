/** What a row that can't run ends as, where its job lets such rows pass: a failure that says what is wrong with the line. */
import { isUtf8 } from 'node:buffer';
import { JsonCursor } from '../jsonl/json-cursor.ts';
import { lineId } from '../jsonl/line-id.ts';
import { checkRow, type RowRules } from './check-row.ts';
import { type ResultRow, toFailure } from './result-row.ts';
import { bareRowId } from './row-format.ts';

export interface InvalidLine {
  /** Empty when the line was too long to be kept. */
  readonly line: Buffer;
  /** Its number in the input, from 0. */
  readonly row: number;
  /** `line 3`, as a person finds it. */
  readonly place: string;
  /** The place of the row that has its id already. */
  readonly sameIdAs?: string | undefined;
}

/** Who reads a result must be able to tell these from what an engine refused. */
const TYPE = 'invalid_row';
const NO_ID = Buffer.from('null');
const cursor = new JsonCursor();

/** The failure of such a row. Its `custom_id` is null where the line has none, and where another row has it: results are found by it. */
export function toInvalidResult({ line, row, place, sameIdAs }: InvalidLine, rules: RowRules): ResultRow {
  const isReadable = line.length > 0 && isUtf8(line);
  const id = rules.format === 'bare' ? Buffer.from(bareRowId(row)) : isReadable ? lineId(line) : undefined;
  const why = sameIdAs === undefined ? faultOf(line, rules) : `its custom_id ${id ?? ''} is on ${sameIdAs} already`;
  return toFailure((sameIdAs === undefined ? id : undefined) ?? NO_ID, {
    code: 400,
    message: `Invalid row on ${place}: ${why}.`,
    type: TYPE,
  });
}

function faultOf(line: Buffer, rules: RowRules): string {
  if (line.length === 0) return 'the line is too long';
  if (!isUtf8(line)) return 'the line is not valid UTF-8';
  return checkRow(cursor, line, rules).fault?.message ?? 'the row can not run';
}
