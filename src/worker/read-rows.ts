/** Rows of an input by their places in it, many with one read. */
import type { PlannedRow } from '../jobs/plan-file.ts';
import type { Input } from './input.ts';

const SLICE_BYTES = 1024 * 1024;
const SLICE_ROWS = 256;
/** Two rows this close in the input are fetched with one read. */
const GAP_BYTES = 16 * 1024;

export interface ReadableRow {
  readonly position: number;
  /** Row number in the input, from 0. */
  readonly row: number;
  readonly line: Buffer;
}

/** A planned row with its position. */
export type PlacedRow = PlannedRow & { readonly position: number };

/** These rows, a little ahead of whoever takes them. */
export async function* readPlaced(input: Input, rows: Iterable<PlacedRow>): AsyncGenerator<ReadableRow> {
  for (const slice of toSlices(rows)) yield* await readSlice(input, slice);
}

/** Cuts them into what is read at once. */
export function* toSlices(rows: Iterable<PlacedRow>): Generator<readonly PlacedRow[]> {
  let slice: PlacedRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (slice.length > 0 && (bytes + row.length > SLICE_BYTES || slice.length === SLICE_ROWS)) {
      yield slice;
      slice = [];
      bytes = 0;
    }
    slice.push(row);
    bytes += row.length;
  }
  if (slice.length > 0) yield slice;
}

/** Reads a slice's rows, in its order. Neighbours in the plan are often neighbours in the input: they share a read. */
export async function readSlice(input: Input, slice: readonly PlacedRow[]): Promise<readonly ReadableRow[]> {
  const lines = new Map<number, Buffer>();
  await Promise.all(
    toSpans(slice).map(async ({ start, end, rows }) => {
      const bytes = await input.read(start, end);
      for (const row of rows) lines.set(row.position, bytes.subarray(row.offset - start, row.offset - start + row.length));
    }),
  );
  return slice.map(({ position, row }) => ({ position, row, line: lines.get(position) ?? Buffer.alloc(0) }));
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly rows: readonly PlacedRow[];
}

function toSpans(slice: readonly PlacedRow[]): readonly Span[] {
  const spans: { start: number; end: number; rows: PlacedRow[] }[] = [];
  for (const row of slice.toSorted((a, b) => a.offset - b.offset)) {
    const last = spans.at(-1);
    const end = row.offset + row.length;
    if (last === undefined || row.offset - last.end > GAP_BYTES) spans.push({ start: row.offset, end, rows: [row] });
    else {
      last.end = end;
      last.rows.push(row);
    }
  }
  return spans;
}
