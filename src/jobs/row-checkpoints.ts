/**
 * Where rows lie in an output file: every so many bytes, the place of a line and how many lines are before it.
 * With them a range of what is made from the file row by row is found without reading all that is before it.
 */
export interface Checkpoint {
  /** Where a line begins in the file. */
  readonly offset: number;
  /** Lines before it. */
  readonly rows: number;
}

const EVERY_BYTES = 1024 * 1024;
/** A double and 32 bits, little-endian. */
const ENTRY_BYTES = 12;

/** The name that a file's checkpoints are kept under. */
export const checkpointsOf = (fileName: string): string => `${fileName}.checkpoints`;

/** Notes checkpoints while a file is written line by line. */
export class CheckpointWriter {
  readonly #checkpoints: Checkpoint[] = [];
  #offset = 0;
  #rows = 0;

  add(lineBytes: number): void {
    this.#offset += lineBytes;
    this.#rows += 1;
    if (this.#offset - (this.#checkpoints.at(-1)?.offset ?? 0) < EVERY_BYTES) return;
    this.#checkpoints.push({ offset: this.#offset, rows: this.#rows });
  }

  /** Empty for a small file. */
  encode(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#checkpoints.length * ENTRY_BYTES);
    let at = 0;
    for (const { offset, rows } of this.#checkpoints) at = bytes.writeUInt32LE(rows, bytes.writeDoubleLE(offset, at));
    return bytes;
  }
}

/** The last checkpoint at or before a position in what the file becomes when each of its rows grows by so many bytes. */
export function findCheckpoint(bytes: Buffer, position: number, growth: number): Checkpoint {
  let found: Checkpoint = { offset: 0, rows: 0 };
  let low = 0;
  let high = bytes.length / ENTRY_BYTES;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const checkpoint = readCheckpoint(bytes, middle);
    if (checkpoint.offset + checkpoint.rows * growth > position) high = middle;
    else {
      found = checkpoint;
      low = middle + 1;
    }
  }
  return found;
}

const readCheckpoint = (bytes: Buffer, index: number): Checkpoint => {
  const at = index * ENTRY_BYTES;
  return { offset: bytes.readDoubleLE(at), rows: bytes.readUInt32LE(at + 8) };
};
