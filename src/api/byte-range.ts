import type { ByteRange } from '../storage/object-store.ts';

/** Reads a `Range` header of one range; undefined means the whole file: no header, several ranges, or a unit that isn't bytes. */
export const readRange = (header: string | undefined, bytes: number): Required<ByteRange> | 'unsatisfiable' | undefined => {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') return checked({ start: Math.max(0, bytes - Number(last)), end: bytes });
  if (last !== '' && Number(last) < Number(first)) return undefined;
  return checked({ start: Number(first), end: last === '' ? bytes : Math.min(Number(last) + 1, bytes) });
};

const checked = (range: Required<ByteRange>): Required<ByteRange> | 'unsatisfiable' =>
  range.start < range.end ? range : 'unsatisfiable';
