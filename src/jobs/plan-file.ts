/** A plan as bytes: one entry of fixed size per planned position, so that a shard's rows are one range of the object. */
import type { RowIndex } from './row-index.ts';

/** Row number and length as 32 bits, offset as a double, all little-endian. */
export const PLAN_ENTRY_BYTES = 16;
const ENTRIES_PER_BLOCK = 16_384;

/** Where one planned row lies in the input file. */
export interface PlannedRow {
  /** Row number in the input, from 0. */
  readonly row: number;
  readonly offset: number;
  readonly length: number;
}

/** The plan in blocks of 256 KiB. */
export function* encodePlan(index: RowIndex, order: Uint32Array): Generator<Buffer> {
  for (let first = 0; first < order.length; first += ENTRIES_PER_BLOCK) {
    yield encodeBlock(index, order.subarray(first, first + ENTRIES_PER_BLOCK));
  }
}

function encodeBlock(index: RowIndex, rows: Uint32Array): Buffer {
  const block = Buffer.allocUnsafe(rows.length * PLAN_ENTRY_BYTES);
  let at = 0;
  for (const row of rows) {
    at = block.writeUInt32LE(row, at);
    at = block.writeUInt32LE(index.length[row] ?? 0, at);
    at = block.writeDoubleLE(index.offset[row] ?? 0, at);
  }
  return block;
}

/** Reads back any whole number of entries. */
export function decodePlan(bytes: Buffer): PlannedRow[] {
  const rows: PlannedRow[] = [];
  for (let at = 0; at + PLAN_ENTRY_BYTES <= bytes.length; at += PLAN_ENTRY_BYTES) {
    rows.push({ row: bytes.readUInt32LE(at), length: bytes.readUInt32LE(at + 4), offset: bytes.readDoubleLE(at + 8) });
  }
  return rows;
}
