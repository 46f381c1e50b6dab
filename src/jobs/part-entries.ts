/**
 * How finished rows lie in a journal and in a part: a header of 40 bytes (little-endian) and the result line, one entry after the other.
 *
 * The check sum covers everything behind itself, so that a torn tail, a hole of zeros and a flipped bit are all found.
 */
import { crc32 } from 'node:zlib';
import { Problem } from '../base/problem.ts';

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
const AT = {
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

/** Everything up to the first torn or corrupt entry, which starts at `validBytes`. The lines are views of the bytes. */
export function decodeEntries(bytes: Buffer): { readonly entries: PartEntry[]; readonly validBytes: number } {
  const entries: PartEntry[] = [];
  let at = 0;
  for (let entry = decodeEntry(bytes, at); entry !== undefined; entry = decodeEntry(bytes, at)) {
    entries.push(entry);
    at += ENTRY_HEADER_BYTES + entry.line.length;
  }
  return { entries, validBytes: at };
}

/** Streams a part that must be whole: a bad entry is a `Problem` DATA_LOSS with reason `PART_CORRUPT`. */
export async function* readEntries(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<PartEntry> {
  const pieces: Buffer[] = [];
  let held = 0;
  let wanted = ENTRY_HEADER_BYTES;
  let offset = 0;
  for await (const chunk of chunks) {
    pieces.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    held += chunk.byteLength;
    if (held < wanted) continue;
    const bytes = Buffer.concat(pieces.splice(0));
    const { entries, validBytes } = decodeEntries(bytes);
    yield* entries;
    const rest = bytes.subarray(validBytes);
    pieces.push(rest);
    held = rest.length;
    offset += validBytes;
    wanted = wantedBytes(rest);
    if (held >= wanted) throw corrupt(offset);
  }
  if (held > 0) throw corrupt(offset);
}

/** How many bytes the entry that begins here takes, as far as can be told. */
const wantedBytes = (bytes: Buffer): number =>
  bytes.length < ENTRY_HEADER_BYTES ? ENTRY_HEADER_BYTES : ENTRY_HEADER_BYTES + bytes.readUInt32LE(AT.lineBytes);

function decodeEntry(bytes: Buffer, at: number): PartEntry | undefined {
  const rest = bytes.subarray(at);
  if (rest.length < ENTRY_HEADER_BYTES || rest.length < wantedBytes(rest)) return undefined;
  const whole = rest.subarray(0, wantedBytes(rest));
  const kind = whole.readUInt32LE(AT.kind);
  if (kind !== SUCCESS && kind !== FAILURE) return undefined;
  if (whole.readUInt32LE(AT.crc) !== crc32(whole.subarray(AT.kind))) return undefined;
  return {
    position: whole.readUInt32LE(AT.position),
    row: whole.readUInt32LE(AT.row),
    shard: whole.readUInt32LE(AT.shard),
    epoch: whole.readUInt32LE(AT.epoch),
    kind: kind === SUCCESS ? 'success' : 'failure',
    inputTokens: whole.readUInt32LE(AT.inputTokens),
    outputTokens: whole.readUInt32LE(AT.outputTokens),
    cachedTokens: whole.readUInt32LE(AT.cachedTokens),
    line: whole.subarray(ENTRY_HEADER_BYTES),
  };
}

const corrupt = (offset: number): Problem =>
  new Problem(
    'DATA_LOSS',
    `A part of the results is damaged at byte ${offset}: the entry there is torn or its check sum is wrong.`,
    {
      reason: 'PART_CORRUPT',
      details: { offset },
    },
  );
