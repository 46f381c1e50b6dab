/** Which rows may be too long for their model, by the lengths of their lines without images. */
import { BYTES_PER_TOKEN, type RowIndex, textLength } from './row-index.ts';

export interface EstimateOptions {
  /** The rows that will run. */
  readonly order: Uint32Array;
  /** By number of the model, whose tokens may be unknown. */
  readonly contextTokens: readonly (number | undefined)[];
  /** What a row asks for that doesn't say; 0: nothing that is known. */
  readonly maxTokens?: number;
  /** The engine cuts answers to the room that prompts leave, as ours does, in place of refusing the row. */
  readonly cutsAnswers?: boolean;
  /** Bytes that every row gets besides its own. */
  readonly moreBytes?: number;
}

/** How many rows are, with the tokens that they ask for, longer than their model's context: by number of the model. */
export function estimateLongRows(index: RowIndex, options: EstimateOptions): readonly number[] {
  const { order, contextTokens, maxTokens = 0, cutsAnswers = false, moreBytes = 0 } = options;
  const most = contextTokens.map((tokens = Number.POSITIVE_INFINITY) => tokens);
  const counts = most.map(() => 0);
  if (most.every((tokens) => tokens === Number.POSITIVE_INFINITY)) return counts;
  for (const row of order) {
    const number = index.model[row] ?? 0;
    const asked = cutsAnswers ? 0 : index.maxTokens[row] || maxTokens;
    const tokens = (textLength(index, row) + moreBytes) / BYTES_PER_TOKEN + asked;
    if (tokens > (most[number] ?? Number.POSITIVE_INFINITY)) counts[number] = (counts[number] ?? 0) + 1;
  }
  return counts;
}

/** What a template says of its own, beyond the bytes of JSON around a line's messages. */
const TEMPLATE_TOKENS = 256;

export interface Room {
  /** Of the model, in tokens. */
  readonly contextLength: number;
  /** Bytes that every row gets besides its own. */
  readonly moreBytes: number;
}

export interface LongestOptions extends Room {
  readonly order: Uint32Array;
  /** The model's. */
  readonly number: number;
  readonly most: number;
}

/** No token is less than a byte of text, so that a line far shorter than the context needs no counting. */
export const alwaysFits = (index: RowIndex, row: number, { contextLength, moreBytes }: Room): boolean =>
  textLength(index, row) + moreBytes + TEMPLATE_TOKENS <= contextLength;

/** The longest rows of a model that may not fit its context, the longest first. */
export function findLongest(index: RowIndex, { order, number, most, ...room }: LongestOptions): Uint32Array {
  const rows = order.filter((row) => (index.model[row] ?? 0) === number && !alwaysFits(index, row, room));
  return rows.sort((a, b) => textLength(index, b) - textLength(index, a)).subarray(0, most);
}
