/**
 * How finished rows lie in a journal and in a part: a header of 40 bytes (little-endian) and the result line, one entry after the other.
 *
 * The check sum covers everything behind itself, so that a torn tail, a hole of zeros and a flipped bit are all found.
 */
import { crc32 } from 'node:zlib';

/** One finished row. */
export interface PartEntry {
  readonly position: number;
  /** Row number in the input, from 0. */
  readonly row: number;
  readonly shard: number;
  readonly epoch: number;
  readonly kind: 'success' | 'failure';
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
  /** The result line, with its line end. */
  readonly line: Buffer;
}

export const ENTRY_HEADER_BYTES = 40;

/** Where each header field lies. All are 32 bits wide. */
export const AT = {
  crc: 0,
  kind: 4,
  lineBytes: 8,
  position: 12,
  row: 16,
  shard: 20,
  epoch: 24,
  inputTokens: 28,
  outputTokens: 32,
  cachedTokens: 36,
} as const;

/** The kind doubles as a mark and as the format's version: "BOK1" and "BNO1". */
const SUCCESS = 0x314b4f42;
const FAILURE = 0x314f4e42;

/** What a mark stands for; undefined for none of ours. */
export function kindOf(mark: number): PartEntry['kind'] | undefined {
  if (mark === SUCCESS) return 'success';
  return mark === FAILURE ? 'failure' : undefined;
}

/** The entry's bytes, ready to append. */
export function encodeEntry(entry: PartEntry): Buffer {
  const bytes = Buffer.allocUnsafe(ENTRY_HEADER_BYTES + entry.line.length);
  bytes.writeUInt32LE(entry.kind === 'success' ? SUCCESS : FAILURE, AT.kind);
  bytes.writeUInt32LE(entry.line.length, AT.lineBytes);
  bytes.writeUInt32LE(entry.position, AT.position);
  bytes.writeUInt32LE(entry.row, AT.row);
  bytes.writeUInt32LE(entry.shard, AT.shard);
  bytes.writeUInt32LE(entry.epoch, AT.epoch);
  bytes.writeUInt32LE(entry.inputTokens, AT.inputTokens);
  bytes.writeUInt32LE(entry.outputTokens, AT.outputTokens);
  bytes.writeUInt32LE(entry.cachedTokens, AT.cachedTokens);
  entry.line.copy(bytes, ENTRY_HEADER_BYTES);
  bytes.writeUInt32LE(crc32(bytes.subarray(AT.kind)), AT.crc);
  return bytes;
}
