/** What may be announced as a file of a model. */
import { Problem } from '../base/problem.ts';

const MOST_FILES = 1000;
const MOST_NAME_BYTES = 255;

/** Refuses names that would do harm on somebody's disk, and too many of them. Folders are allowed, as models have some. */
export const checkFileSizes = (sizes: Readonly<Record<string, number>>): void => {
  const names = Object.keys(sizes);
  if (names.length === 0 || names.length > MOST_FILES) throw badCount(names.length);
  const odd = names.find((name) => !isFileName(name));
  if (odd !== undefined) throw badName(odd);
};

/** True for a name that does no harm on a disk: at most 255 bytes, folders with "/" between. */
export const isFileName = (name: string): boolean => {
  if (Buffer.byteLength(name) > MOST_NAME_BYTES) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return name.split('/').every((part) => !/[\\\u0000-\u001f\u007f]|^\.{0,2}$/.test(part));
};

const badCount = (count: number): Problem =>
  new Problem('INVALID_ARGUMENT', `filenameToSize must name 1 to ${MOST_FILES} files, it names ${count}.`, {
    reason: 'INVALID_FILE_COUNT',
    details: { field: 'filenameToSize' },
  });

const badName = (name: string): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `${JSON.stringify(name.slice(0, 100))} is no name for a file: expected at most ${MOST_NAME_BYTES} bytes, plain words with "/" between.`,
    { reason: 'INVALID_FILE_NAME', details: { field: 'filenameToSize' } },
  );
