/** The typed keys and values in the head of a GGUF file (version 3). */

/** The scalar types and their codes in the file. */
export const SCALAR_CODES = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

/** The code of a list; its elements are scalars. */
export const LIST_CODE = 9;

/** Tensor data begins, and each tensor begins, at a multiple of this. */
const ALIGNMENT_BYTES = 32;

export type ScalarType = keyof typeof SCALAR_CODES;
export type Scalar = number | bigint | boolean | string;
export type MetadataValue =
  | { readonly type: ScalarType; readonly value: Scalar }
  | { readonly type: 'list'; readonly of: ScalarType; readonly values: readonly Scalar[] };
export type Metadata = Readonly<Record<string, MetadataValue>>;

export const u32 = (value: number): MetadataValue => ({ type: 'u32', value });
export const f32 = (value: number): MetadataValue => ({ type: 'f32', value });
export const flag = (value: boolean): MetadataValue => ({ type: 'bool', value });
export const text = (value: string): MetadataValue => ({ type: 'string', value });
export const list = (of: ScalarType, values: readonly Scalar[]): MetadataValue => ({ type: 'list', of, values });

/** A whole number that must be there. */
export function readNumber(metadata: Metadata, key: string): number {
  const entry = metadata[key];
  if (entry === undefined || entry.type === 'list' || typeof entry.value === 'string')
    throw new Error(`The file has no number ${key}`);
  return Number(entry.value);
}

/** The next multiple of the alignment. */
export const toAligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
