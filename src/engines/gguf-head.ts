/** What a GGUF file says of itself: read from its beginning alone, whatever its size, and believed in nothing that it can't show. */
import type { Precision } from '../contract/job.ts';
import { sizeOfTensor, toFilePrecision } from './gguf-types.ts';

/** Reads a range of the file; shorter at its end. */
export type ReadRange = (start: number, end: number) => Promise<Buffer>;

/** Lists are kept as their length: vocabularies are large, and nobody here reads them. */
export type GgufValue = string | number | boolean | { readonly length: number };

export interface GgufHead {
  readonly metadata: Readonly<Record<string, GgufValue>>;
  readonly tensors: readonly GgufTensor[];
  /** Where the last tensor ends; undefined where one has a format that isn't known here. */
  readonly endsAt: number | undefined;
}

export interface GgufTensor {
  readonly name: string;
  readonly dimensions: readonly number[];
}

/** What matters of it to whoever serves it. */
export interface GgufFacts {
  readonly architecture: string;
  readonly isAdapter: boolean;
  readonly precision: Precision;
  /** Of how many files this is one. */
  readonly splitInto: number;
  readonly parameters: number;
  readonly contextLength: number | undefined;
  readonly chatTemplate: string | undefined;
}

const MAGIC = 'GGUF';
const VERSIONS: readonly number[] = [2, 3];
const MOST_ENTRIES = 100_000;
const MOST_TEXT_BYTES = 16 * 2 ** 20;
const MOST_HEAD_BYTES = 256 * 2 ** 20;
const BLOCK_BYTES = 2 ** 20;
const USUAL_ALIGNMENT = 32;

/** Throws a `RangeError` that says why this is no such file, or not a whole one. */
export async function readGgufHead(read: ReadRange): Promise<GgufHead> {
  const cursor = new Cursor(read);
  if ((await cursor.take(4)).toString('latin1') !== MAGIC) throw new RangeError(`it does not begin with "${MAGIC}"`);
  const version = (await cursor.take(4)).readUInt32LE();
  if (!VERSIONS.includes(version)) throw new RangeError(`it is of version ${version} of GGUF, which is not known here`);
  const [tensorCount, entryCount] = [await cursor.count(), await cursor.count()];
  const metadata: Record<string, GgufValue> = Object.create(null);
  for (let at = 0; at < entryCount; at += 1) metadata[await cursor.text()] = await readValue(cursor);
  const tensors: StoredTensor[] = [];
  for (let at = 0; at < tensorCount; at += 1) tensors.push(await readTensor(cursor));
  const alignment = metadata['general.alignment'];
  const start = roundUp(cursor.at, typeof alignment === 'number' && alignment > 0 ? alignment : USUAL_ALIGNMENT);
  return { metadata, tensors, endsAt: endOf(tensors, start) };
}

/** Reads them from the head. */
export function toGgufFacts({ metadata, tensors }: GgufHead): GgufFacts {
  const architecture = textOf(metadata['general.architecture']) ?? '';
  return {
    architecture,
    isAdapter: metadata['general.type'] === 'adapter',
    precision: toFilePrecision(numberOf(metadata['general.file_type'])),
    splitInto: numberOf(metadata['split.count']) ?? 1,
    parameters: tensors.reduce((sum, { dimensions }) => sum + countOf(dimensions), 0),
    contextLength: numberOf(metadata[`${architecture}.context_length`]),
    chatTemplate: textOf(metadata['tokenizer.chat_template']),
  };
}

interface StoredTensor extends GgufTensor {
  readonly type: number;
  readonly offset: number;
}

function endOf(tensors: readonly StoredTensor[], start: number): number | undefined {
  let end = start;
  for (const { type, dimensions, offset } of tensors) {
    const bytes = sizeOfTensor(type, countOf(dimensions));
    if (bytes === undefined) return undefined;
    end = Math.max(end, start + offset + bytes);
  }
  return end;
}

/** Bytes of a scalar by its code, and how it is read. */
const SCALARS: Readonly<Record<number, readonly [bytes: number, read: (bytes: Buffer) => number | boolean]>> = {
  0: [1, (bytes) => bytes.readUInt8()],
  1: [1, (bytes) => bytes.readInt8()],
  2: [2, (bytes) => bytes.readUInt16LE()],
  3: [2, (bytes) => bytes.readInt16LE()],
  4: [4, (bytes) => bytes.readUInt32LE()],
  5: [4, (bytes) => bytes.readInt32LE()],
  6: [4, (bytes) => bytes.readFloatLE()],
  7: [1, (bytes) => bytes.readUInt8() !== 0],
  10: [8, (bytes) => Number(bytes.readBigUInt64LE())],
  11: [8, (bytes) => Number(bytes.readBigInt64LE())],
  12: [8, (bytes) => bytes.readDoubleLE()],
};
const STRING = 8;
const LIST = 9;

async function readValue(cursor: Cursor): Promise<GgufValue> {
  const code = (await cursor.take(4)).readUInt32LE();
  if (code === STRING) return cursor.text();
  if (code === LIST) return skipList(cursor);
  const [bytes, read] = scalarOf(code);
  return read(await cursor.take(bytes));
}

async function skipList(cursor: Cursor): Promise<GgufValue> {
  const code = (await cursor.take(4)).readUInt32LE();
  const length = Number((await cursor.take(8)).readBigUInt64LE());
  if (length > MOST_HEAD_BYTES) throw new RangeError(`a list in its head has ${length} entries`);
  if (code === STRING) for (let at = 0; at < length; at += 1) await cursor.skipText();
  else await cursor.skip(scalarOf(code)[0] * length);
  return { length };
}

const scalarOf = (code: number) => {
  const known = SCALARS[code];
  if (known === undefined) throw new RangeError(`its head has a value of the type ${code}, which is not known here`);
  return known;
};

async function readTensor(cursor: Cursor): Promise<StoredTensor> {
  const name = await cursor.text();
  const rank = (await cursor.take(4)).readUInt32LE();
  if (rank > 8) throw new RangeError(`a tensor in its head has ${rank} dimensions`);
  const dimensions: number[] = [];
  for (let at = 0; at < rank; at += 1) dimensions.push(Number((await cursor.take(8)).readBigUInt64LE()));
  const type = (await cursor.take(4)).readUInt32LE();
  return { name, dimensions, type, offset: Number((await cursor.take(8)).readBigUInt64LE()) };
}

const countOf = (dimensions: readonly number[]): number => dimensions.reduce((product, size) => product * size, 1);
const roundUp = (at: number, to: number): number => Math.ceil(at / to) * to;
const textOf = (value: GgufValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
const numberOf = (value: GgufValue | undefined): number | undefined => (typeof value === 'number' ? value : undefined);

/** A place in the file that moves on as things are read, block by block. */
class Cursor {
  readonly #read: ReadRange;
  #block: Buffer = Buffer.alloc(0);
  #blockAt = 0;
  at = 0;

  constructor(read: ReadRange) {
    this.#read = read;
  }

  async take(bytes: number): Promise<Buffer> {
    const from = this.at - this.#blockAt;
    if (from < 0 || from + bytes > this.#block.length) await this.#load(bytes);
    const start = this.at - this.#blockAt;
    this.at += bytes;
    return this.#block.subarray(start, start + bytes);
  }

  async skip(bytes: number): Promise<void> {
    this.at += bytes;
    if (this.at > MOST_HEAD_BYTES) throw tooLong();
  }

  async count(): Promise<number> {
    const count = Number((await this.take(8)).readBigUInt64LE());
    if (count > MOST_ENTRIES) throw new RangeError(`its head announces ${count} entries`);
    return count;
  }

  async text(): Promise<string> {
    return (await this.take(await this.#textLength())).toString('utf8');
  }

  async skipText(): Promise<void> {
    await this.skip(await this.#textLength());
  }

  async #textLength(): Promise<number> {
    const length = Number((await this.take(8)).readBigUInt64LE());
    if (length > MOST_TEXT_BYTES) throw new RangeError(`a text in its head has ${length} bytes`);
    return length;
  }

  async #load(bytes: number): Promise<void> {
    if (this.at + bytes > MOST_HEAD_BYTES) throw tooLong();
    this.#block = await this.#read(this.at, this.at + Math.max(bytes, BLOCK_BYTES));
    this.#blockAt = this.at;
    if (this.#block.length < bytes) throw new RangeError('it ends within its own head: it was cut off');
  }
}

const tooLong = (): RangeError => new RangeError(`its head is longer than ${MOST_HEAD_BYTES} bytes`);
