import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonCursor, MAX_DEPTH } from '../../src/jsonl/json-cursor.ts';

const cursor = new JsonCursor();

/** Where a text stops being JSON, or undefined. */
const faultOf = (bytes: Buffer) => {
  cursor.reset(bytes);
  cursor.skipValue();
  return cursor.finish() ? undefined : cursor.fault;
};

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

const IN_STRING = "a valid character of the string, or '\"' at its end";

test.each([
  ['', 0, 'a value'],
  ['{', 1, "a key in quotes or '}'"],
  ['{"a" 1}', 5, "':'"],
  ['{"a":1 "b":2}', 7, "',' or '}'"],
  ['{"a":1,}', 7, 'a key in quotes'],
  ["{'a':1}", 1, "a key in quotes or '}'"],
  ['[1,]', 3, 'a value'],
  ['[1 2]', 3, "',' or ']'"],
  ['{"a":tru}', 5, 'a value'],
  ['{"a":01}', 6, "',' or '}'"],
  ['{"a":1.}', 7, 'a value'],
  ['{"a":-}', 5, 'a value'],
  ['{"a":1e}', 7, 'a value'],
  ['{"a":NaN}', 5, 'a value'],
  ['{"a":"b', 7, IN_STRING],
  ['{"a":"\\x"}', 6, IN_STRING],
  ['{"a":"\\u12G4"}', 6, IN_STRING],
  ['{"a":"\t"}', 6, IN_STRING],
  ['{"a', 3, IN_STRING],
  ['{} {}', 3, 'the end of the line'],
])('%j stops being JSON at byte %d', (text, at, expected) => {
  expect(parses(text)).toBe(false);
  expect(faultOf(Buffer.from(text))).toEqual({ at, expected });
});

test('what JSON.stringify writes is accepted, with any whitespace', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t', '\r\n'), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent === '\r\n' ? undefined : indent);
      expect(faultOf(Buffer.from(indent === '\r\n' ? ` \r\n${text}\t ` : text))).toBeUndefined();
    }),
  );
});

test('spoiled JSON is accepted exactly when JSON.parse accepts it', () => {
  const spoiled = fc.tuple(fc.jsonValue(), fc.nat(), fc.constantFrom(...'{}[]",:\\ue0123-+.\t\n tfn\x00é'), fc.nat(2));
  fc.assert(
    fc.property(spoiled, ([value, place, character, removed]) => {
      const text = JSON.stringify(value);
      const at = place % (text.length + 1);
      const other = text.slice(0, at) + character + text.slice(at + removed);
      expect(faultOf(Buffer.from(other)) === undefined).toBe(parses(Buffer.from(other).toString()));
    }),
    { numRuns: 3000 },
  );
});

test('strings of tokens are accepted exactly when JSON.parse accepts them', () => {
  const tokens = fc.array(
    fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"\\u00e9"', '"\\', '"', '1', '-0.5e+3', '0', '1.', 'true', 'null', ' '),
    { maxLength: 9 },
  );
  fc.assert(
    fc.property(tokens, (parts) => {
      const text = parts.join('');
      expect(faultOf(Buffer.from(text)) === undefined).toBe(parses(text));
    }),
    { numRuns: 3000 },
  );
});

test('a string ends where it ends, whatever lies behind it in memory', () => {
  const anyString = fc.string({ unit: 'binary', maxLength: 20 });
  fc.assert(
    fc.property(anyString, fc.nat(7), anyString, (text, before, behind) => {
      const token = Buffer.from(JSON.stringify(text.toWellFormed()));
      const memory = Buffer.concat([Buffer.alloc(before, '"'), token, Buffer.from(behind)]);
      expect(faultOf(memory.subarray(before, before + token.length))).toBeUndefined();
      expect(faultOf(memory.subarray(before, before + token.length - 1))).toBeDefined();
    }),
  );
});

test('nesting is limited, and what is too deep is a fault instead of a crash', () => {
  const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth));
  expect(faultOf(nested(MAX_DEPTH))).toBeUndefined();
  expect(faultOf(nested(MAX_DEPTH + 1))).toEqual({ at: MAX_DEPTH, expected: 'no deeper nesting than 512 levels' });
  expect(faultOf(Buffer.from('{"a":'.repeat(100_000)))?.at).toBe(5 * MAX_DEPTH);
});
