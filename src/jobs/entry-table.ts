/** Entries of a part or a journal as they lie in their bytes, told by numbers alone: millions of them cost no objects. */
import { crc32 } from 'node:zlib';
import { AT, ENTRY_HEADER_BYTES, kindOf, type PartEntry } from './part-entries.ts';

export class EntryTable {
  readonly bytes: Buffer;
  /** Everything up to the first torn or corrupt entry, which starts here. */
  readonly validBytes: number;
  /** Where each begins. */
  readonly #starts: number[] = [];

  /** Reads all entries, and checks their sums. */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
    let at = 0;
    for (let end = endOf(bytes, at); end !== undefined; end = endOf(bytes, at)) {
      this.#starts.push(at);
      at = end;
    }
    this.validBytes = at;
  }

  get count(): number {
    return this.#starts.length;
  }

  row(place: number): number {
    return this.#read(place, AT.row);
  }

  position(place: number): number {
    return this.#read(place, AT.position);
  }

  shard(place: number): number {
    return this.#read(place, AT.shard);
  }

  epoch(place: number): number {
    return this.#read(place, AT.epoch);
  }

  kind(place: number): PartEntry['kind'] {
    return kindOf(this.#read(place, AT.kind)) ?? 'failure';
  }

  start(place: number): number {
    return this.#starts[place] ?? this.validBytes;
  }

  end(place: number): number {
    return this.start(place + 1);
  }

  /** The entry as an object; its line is a view of the bytes. */
  entry(place: number): PartEntry {
    return {
      position: this.position(place),
      row: this.row(place),
      shard: this.shard(place),
      epoch: this.epoch(place),
      kind: this.kind(place),
      inputTokens: this.#read(place, AT.inputTokens),
      outputTokens: this.#read(place, AT.outputTokens),
      cachedTokens: this.#read(place, AT.cachedTokens),
      line: this.bytes.subarray(this.start(place) + ENTRY_HEADER_BYTES, this.end(place)),
    };
  }

  #read(place: number, at: number): number {
    return this.bytes.readUInt32LE(this.start(place) + at);
  }
}

/** Where the entry that begins here ends; undefined where none does that is whole. */
function endOf(bytes: Buffer, at: number): number | undefined {
  if (bytes.length - at < ENTRY_HEADER_BYTES) return undefined;
  const end = at + ENTRY_HEADER_BYTES + bytes.readUInt32LE(at + AT.lineBytes);
  if (end > bytes.length || kindOf(bytes.readUInt32LE(at + AT.kind)) === undefined) return undefined;
  return bytes.readUInt32LE(at + AT.crc) === crc32(bytes.subarray(at + AT.kind, end)) ? end : undefined;
}
