/// <reference lib="esnext.float16" />
/** How tensors are stored: the number formats of llama.cpp that our makers write. */

/** Codes of the formats in a GGUF file. */
export const TENSOR_CODES = { f32: 0, f16: 1, q4_0: 2, q8_0: 8 } as const;

/** `general.file_type` of a model whose matrices have this format. */
export const FILE_TYPES = { f32: 0, f16: 1, q4_0: 2, q8_0: 7 } as const;

export type TensorType = keyof typeof TENSOR_CODES;

const BLOCK_VALUES = 32;
const BLOCK_BYTES = { f32: 128, f16: 64, q4_0: 18, q8_0: 34 };
const ENCODERS = { f32: encodeF32, f16: encodeF16, q4_0: encodeQ4, q8_0: encodeQ8 };

/** The formats by name, for a flag that a person typed. */
export function toTensorType(name: string): TensorType {
  if (name in TENSOR_CODES) return name as TensorType; // one of the keys, just checked
  throw new Error(`A tensor type is one of ${Object.keys(TENSOR_CODES).join(', ')}; got ${name}`);
}

/** Quantised values come in blocks of 32, so a row must be a multiple of 32 long. */
export const tensorBytes = (type: TensorType, values: number): number => (values / BLOCK_VALUES) * BLOCK_BYTES[type];

/** The numbers as they stand in the file. */
export const encodeTensor = (type: TensorType, values: Float32Array): Buffer => ENCODERS[type](values);

function encodeF32(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function encodeF16(values: Float32Array): Buffer {
  return Buffer.from(new Float16Array(values).buffer);
}

/** A block: the scale as a half, then 32 signed bytes. */
function encodeQ8(values: Float32Array): Buffer {
  return encodeBlocks(values, BLOCK_BYTES.q8_0, (block, into) => {
    const scale = Math.abs(largest(block)) / 127;
    writeHalf(into, scale);
    block.forEach((value, at) => {
      into.writeInt8(scale === 0 ? 0 : Math.round(value * (1 / scale)), 2 + at);
    });
  });
}

/** A block: the scale as a half, then 16 bytes of two values each (the first half of the block in the low bits). */
function encodeQ4(values: Float32Array): Buffer {
  return encodeBlocks(values, BLOCK_BYTES.q4_0, (block, into) => {
    const scale = largest(block) / -8;
    const level = (at: number) => Math.min(15, scale === 0 ? 8 : Math.floor((block[at] ?? 0) * (1 / scale) + 8.5));
    writeHalf(into, scale);
    for (let at = 0; at < 16; at += 1) into.writeUInt8(level(at) | (level(at + 16) << 4), 2 + at);
  });
}

function encodeBlocks(values: Float32Array, bytes: number, encode: (block: Float32Array, into: Buffer) => void): Buffer {
  const blocks = values.length / BLOCK_VALUES;
  const encoded = Buffer.alloc(blocks * bytes);
  for (let index = 0; index < blocks; index += 1) {
    encode(
      values.subarray(index * BLOCK_VALUES, (index + 1) * BLOCK_VALUES),
      encoded.subarray(index * bytes, (index + 1) * bytes),
    );
  }
  return encoded;
}

/** The value that is farthest from zero, with its sign. */
const largest = (block: Float32Array) => block.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);

const writeHalf = (into: Buffer, value: number) =>
  into.writeUInt16LE(new Uint16Array(new Float16Array([value]).buffer)[0] ?? 0, 0);
