/** Writes GGUF files (version 3): the head in one piece, then tensor after tensor, so that big files need little memory. */
import { closeSync, openSync, writeSync } from 'node:fs';
import {
  LIST_CODE,
  type Metadata,
  type MetadataValue,
  SCALAR_CODES,
  type Scalar,
  type ScalarType,
  toAligned,
} from './metadata.ts';
import { encodeTensor, TENSOR_CODES, type TensorType, tensorBytes } from './tensor-types.ts';

export interface Tensor {
  readonly name: string;
  /** The fastest-running dimension first: a matrix that PyTorch calls [out, in] is [in, out] here. */
  readonly dimensions: readonly number[];
  readonly type: TensorType;
  /** The numbers, asked for when they are written. */
  readonly values: () => Float32Array;
}

/** What a file is made of. */
export interface GgufContent {
  readonly metadata: Metadata;
  readonly tensors: readonly Tensor[];
}

/** Numbers in a tensor. */
export const countValues = (tensor: Tensor): number => tensor.dimensions.reduce((product, size) => product * size, 1);

/** Writes the file and returns its size in bytes. */
export function writeGguf(path: string, content: GgufContent): number {
  const file = openSync(path, 'w');
  try {
    let bytes = writeAligned(file, encodeHead(content));
    for (const tensor of content.tensors) bytes += writeAligned(file, encodeChecked(tensor));
    return bytes;
  } finally {
    closeSync(file);
  }
}

function writeAligned(file: number, bytes: Buffer): number {
  writeAll(file, bytes);
  writeAll(file, Buffer.alloc(toAligned(bytes.length) - bytes.length));
  return toAligned(bytes.length);
}

function writeAll(file: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}

function encodeHead({ metadata, tensors }: GgufContent): Buffer {
  const entries = Object.entries(metadata);
  const parts = [Buffer.from('GGUF'), scalar('u32', 3), scalar('u64', tensors.length), scalar('u64', entries.length)];
  for (const [key, value] of entries) parts.push(scalar('string', key), encodeValue(value));
  let offset = 0;
  for (const tensor of tensors) {
    parts.push(encodeTensorHead(tensor, offset));
    offset += toAligned(tensorBytes(tensor.type, countValues(tensor)));
  }
  return Buffer.concat(parts);
}

function encodeValue(entry: MetadataValue): Buffer {
  if (entry.type !== 'list') return Buffer.concat([scalar('u32', SCALAR_CODES[entry.type]), scalar(entry.type, entry.value)]);
  const head = [scalar('u32', LIST_CODE), scalar('u32', SCALAR_CODES[entry.of]), scalar('u64', entry.values.length)];
  return Buffer.concat([...head, ...entry.values.map((value) => scalar(entry.of, value))]);
}

const encodeTensorHead = ({ name, dimensions, type }: Tensor, offset: number) =>
  Buffer.concat([
    scalar('string', name),
    scalar('u32', dimensions.length),
    ...dimensions.map((size) => scalar('u64', size)),
    scalar('u32', TENSOR_CODES[type]),
    scalar('u64', offset),
  ]);

function encodeChecked(tensor: Tensor): Buffer {
  const bytes = encodeTensor(tensor.type, tensor.values());
  const expected = tensorBytes(tensor.type, countValues(tensor));
  if (bytes.length !== expected)
    throw new Error(`Tensor ${tensor.name} has ${bytes.length} bytes where its dimensions make ${expected}`);
  return bytes;
}

function scalar(type: ScalarType, value: Scalar): Buffer {
  if (type === 'string') {
    const utf8 = Buffer.from(String(value));
    return Buffer.concat([scalar('u64', utf8.length), utf8]);
  }
  const bytes = Buffer.alloc(8);
  return bytes.subarray(0, WRITERS[type](bytes, value));
}

const WRITERS: Readonly<Record<Exclude<ScalarType, 'string'>, (bytes: Buffer, value: Scalar) => number>> = {
  u8: (bytes, value) => bytes.writeUInt8(Number(value)),
  i8: (bytes, value) => bytes.writeInt8(Number(value)),
  bool: (bytes, value) => bytes.writeUInt8(Number(value)),
  u16: (bytes, value) => bytes.writeUInt16LE(Number(value)),
  i16: (bytes, value) => bytes.writeInt16LE(Number(value)),
  u32: (bytes, value) => bytes.writeUInt32LE(Number(value)),
  i32: (bytes, value) => bytes.writeInt32LE(Number(value)),
  f32: (bytes, value) => bytes.writeFloatLE(Number(value)),
  u64: (bytes, value) => bytes.writeBigUInt64LE(BigInt(value)),
  i64: (bytes, value) => bytes.writeBigInt64LE(BigInt(value)),
  f64: (bytes, value) => bytes.writeDoubleLE(Number(value)),
};
