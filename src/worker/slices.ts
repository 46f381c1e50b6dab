/** Result lines gathered into large pieces: a write each would cost more than the line. */
import type { EntryTable } from '../jobs/entry-table.ts';
import { ENTRY_HEADER_BYTES, type PartEntry } from '../jobs/part-entries.ts';
import type { Lines } from './output-file.ts';

/** Lines that are handed on together have at most so many bytes, a longer one its own. */
const SLICE_BYTES = 512 * 1024;

/** Some lines of one kind of row, one after the other in the order of the input. */
export interface Slice extends Lines {
  readonly kind: PartEntry['kind'];
}

export class SliceWriter {
  readonly #kind: Slice['kind'];
  #bytes = Buffer.alloc(0);
  #filled = 0;
  #lengths: number[] = [];

  constructor(kind: Slice['kind']) {
    this.#kind = kind;
  }

  /** Copies an entry's line; answers the lines before it when it had no room beside them. */
  add(table: EntryTable, place: number): Slice | undefined {
    const start = table.start(place) + ENTRY_HEADER_BYTES;
    const length = table.end(place) - start;
    const hasRoom = this.#filled + length <= this.#bytes.length;
    const full = hasRoom ? undefined : this.take();
    if (!hasRoom) this.#bytes = Buffer.allocUnsafeSlow(Math.max(SLICE_BYTES, length));
    table.bytes.copy(this.#bytes, this.#filled, start, start + length);
    this.#filled += length;
    this.#lengths.push(length);
    return full;
  }

  /** What was gathered since the last slice, if anything. */
  take(): Slice | undefined {
    if (this.#lengths.length === 0) return undefined;
    const slice = { kind: this.#kind, bytes: this.#bytes.subarray(0, this.#filled), lengths: this.#lengths };
    [this.#bytes, this.#filled, this.#lengths] = [Buffer.alloc(0), 0, []];
    return slice;
  }
}
