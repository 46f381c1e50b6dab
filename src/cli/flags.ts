/** What the values of flags may be. A wrong one is a usage error that says what was expected. */
import { InvalidArgumentError } from 'commander';
import { messageOf } from '../base/message-of.ts';

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

type Parse<T> = (text: string) => T;

/** A number within both ends. */
export const numberBetween =
  (least: number, most: number): Parse<number> =>
  (text) => {
    const value = Number(text);
    if (NUMBER.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`);
  };

/** A whole number within both ends. */
export const wholeNumberBetween =
  (least: number, most: number): Parse<number> =>
  (text) => {
    const value = Number(text);
    if (NUMBER.test(text) && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };

/** A JSON object. */
export const jsonObject: Parse<Readonly<Record<string, unknown>>> = (text) => {
  const value = parseJson(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new InvalidArgumentError('Expected a JSON object, like \'{"stop":["\\\\n"]}\'.');
};

/** The base URL of an engine, or `echo`. */
export const engineAddress: Parse<string> = (text) => {
  if (text === 'echo' || /^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
  throw new InvalidArgumentError('Expected a URL like http://127.0.0.1:8000/v1, or echo.');
};

/** Text that isn't empty. */
export const someText: Parse<string> = (text) => {
  if (text !== '') return text;
  throw new InvalidArgumentError('Expected some text.');
};

/** For a flag that may be given several times. */
export const collect =
  <T>(parse: Parse<T>) =>
  (text: string, before: readonly T[]): readonly T[] => [...before, parse(text)];

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidArgumentError(`Expected a JSON object: ${messageOf(cause)}.`);
  }
}
