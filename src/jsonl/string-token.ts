import { BACKSLASH } from './ascii.ts';

/** The text of a JSON string token, which is in UTF-8 and has its quotes. */
export const tokenText = (token: Buffer): string =>
  token.includes(BACKSLASH) ? JSON.parse(token.toString()) : token.toString('utf8', 1, token.length - 1);

/** True when a JSON string token says this plain text. Some writers escape every slash. */
export const tokenSays = (token: Buffer, text: string): boolean => token.length >= text.length + 2 && tokenText(token) === text;
