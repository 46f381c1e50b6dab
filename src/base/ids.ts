import { createHash, randomBytes, randomInt } from 'node:crypto';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const LETTERS_AND_DIGITS = `${LETTERS}0123456789`;

const pick = (from: string): string => from.charAt(randomInt(from.length));

/** Lower-case letters and digits, the first a letter: fit for a resource id. */
export const makeId = (length: number): string =>
  pick(LETTERS) + Array.from({ length: length - 1 }, () => pick(LETTERS_AND_DIGITS)).join('');

/** The same UUID for the same text, as hard to guess as the text. */
export function uuidFrom(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  // Version 8: one of our own making.
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** 32 random bytes as base64url: fit for a key or a token. */
export const makeSecret = (): string => randomBytes(32).toString('base64url');
