/** Reads the head of GGUF files (version 3): what they say about themselves and where their tensors are. */
import { readFileSync } from 'node:fs';
import {
  LIST_CODE,
  type Metadata,
  type MetadataValue,
  SCALAR_CODES,
  type Scalar,
  type ScalarType,
  toAligned,
} from './metadata.ts';
import { TENSOR_CODES, type TensorType, tensorBytes } from './tensor-types.ts';

/** A tensor as it stands in a file. */
export interface StoredTensor {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly type: TensorType;
  readonly bytes: Buffer;
}

export interface Gguf {
  readonly metadata: Metadata;
  readonly tensors: readonly StoredTensor[];
}

/** Reads a whole file; for small models. */
export function readGguf(path: string): Gguf {
  const file = readFileSync(path);
  const cursor = new Cursor(file);
  if (file.toString('latin1', 0, 4) !== 'GGUF') throw new Error(`Expected a GGUF file, got something else: ${path}`);
  cursor.skip(4);
  const version = cursor.number('u32');
  if (version !== 3) throw new Error(`Expected version 3 of GGUF, got ${version}: ${path}`);
  const tensorCount = cursor.number('u64');
  const metadata = readMetadata(cursor, cursor.number('u64'));
  const heads = Array.from({ length: tensorCount }, () => readTensorHead(cursor));
  const start = toAligned(cursor.at);
  return { metadata, tensors: heads.map(({ offset, ...head }) => ({ ...head, bytes: cut(file, start + offset, head) })) };
}

function readMetadata(cursor: Cursor, count: number): Metadata {
  return Object.fromEntries(Array.from({ length: count }, () => [cursor.string(), readValue(cursor)]));
}

function readValue(cursor: Cursor): MetadataValue {
  const code = cursor.number('u32');
  if (code !== LIST_CODE) {
    const type = nameOf(SCALAR_CODES, code);
    return { type, value: cursor.scalar(type) };
  }
  const of = nameOf(SCALAR_CODES, cursor.number('u32'));
  const length = cursor.number('u64');
  return { type: 'list', of, values: Array.from({ length }, () => cursor.scalar(of)) };
}

function readTensorHead(cursor: Cursor): Omit<StoredTensor, 'bytes'> & { readonly offset: number } {
  const name = cursor.string();
  const dimensions = Array.from({ length: cursor.number('u32') }, () => cursor.number('u64'));
  const type = nameOf(TENSOR_CODES, cursor.number('u32'));
  return { name, dimensions, type, offset: cursor.number('u64') };
}

const cut = (file: Buffer, start: number, { type, dimensions }: Omit<StoredTensor, 'bytes'>) =>
  file.subarray(
    start,
    start +
      tensorBytes(
        type,
        dimensions.reduce((product, size) => product * size, 1),
      ),
  );

function nameOf<Name extends string>(codes: Readonly<Record<Name, number>>, code: number): Name {
  for (const name in codes) if (codes[name] === code) return name;
  throw new Error(`Expected one of the types ${Object.keys(codes).join(', ')}, got the code ${code}`);
}

/** A place in the file that moves on as things are read. */
class Cursor {
  readonly #file: Buffer;
  at = 0;

  constructor(file: Buffer) {
    this.#file = file;
  }

  skip(bytes: number): number {
    this.at += bytes;
    return this.at - bytes;
  }

  string(): string {
    const length = this.number('u64');
    const start = this.skip(length);
    return this.#file.toString('utf8', start, start + length);
  }

  number(type: Exclude<ScalarType, 'string' | 'bool'>): number {
    return Number(this.scalar(type));
  }

  scalar(type: ScalarType): Scalar {
    if (type === 'string') return this.string();
    const [bytes, read] = READERS[type];
    return read(this.#file, this.skip(bytes));
  }
}

const READERS: Readonly<Record<Exclude<ScalarType, 'string'>, readonly [number, (file: Buffer, at: number) => Scalar]>> = {
  u8: [1, (file, at) => file.readUInt8(at)],
  i8: [1, (file, at) => file.readInt8(at)],
  bool: [1, (file, at) => file.readUInt8(at) !== 0],
  u16: [2, (file, at) => file.readUInt16LE(at)],
  i16: [2, (file, at) => file.readInt16LE(at)],
  u32: [4, (file, at) => file.readUInt32LE(at)],
  i32: [4, (file, at) => file.readInt32LE(at)],
  f32: [4, (file, at) => file.readFloatLE(at)],
  u64: [8, (file, at) => file.readBigUInt64LE(at)],
  i64: [8, (file, at) => file.readBigInt64LE(at)],
  f64: [8, (file, at) => file.readDoubleLE(at)],
};
