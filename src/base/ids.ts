import { createHash, randomBytes, randomInt } from 'node:crypto';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const LETTERS_AND_DIGITS = `${LETTERS}0123456789`;

const pick = (from: string): string => from.charAt(randomInt(from.length));

/** Lower-case letters and digits, the first a letter: fit for a resource id. */
export const makeId = (length: number): string =>
  pick(LETTERS) + Array.from({ length: length - 1 }, () => pick(LETTERS_AND_DIGITS)).join('');

/** The same id for the same text, as hard to guess as the text. Of at most 32 characters. */
export function idFrom(text: string, length: number): string {
  const [first = 0, ...rest] = createHash('sha256').update(text).digest();
  const others = rest.slice(0, length - 1).map((byte) => LETTERS_AND_DIGITS.charAt(byte % LETTERS_AND_DIGITS.length));
  return LETTERS.charAt(first % LETTERS.length) + others.join('');
}

/** 32 random bytes as base64url: fit for a key or a token. */
export const makeSecret = (): string => randomBytes(32).toString('base64url');
