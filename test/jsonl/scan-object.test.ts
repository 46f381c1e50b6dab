import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineId } from '../../src/jsonl/line-id.ts';
import { scanArray, scanObject } from '../../src/jsonl/scan-object.ts';
import { tokenSays, tokenText } from '../../src/jsonl/string-token.ts';
import { WordSet } from '../../src/jsonl/word-set.ts';

/** The members as `JSON.parse` would have them, each parsed from its own bytes. */
const members = (bytes: Buffer) => {
  const spans = scanObject(bytes);
  return (
    spans &&
    Object.fromEntries(Array.from(spans, ([key, { start, end }]) => [key, JSON.parse(bytes.toString('utf8', start, end))]))
  );
};

test('the bytes of every member parse to what JSON.parse has for it', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
      fc.constantFrom(0, 2),
      (object, indent) => {
        const text = JSON.stringify(object, undefined, indent);
        expect(members(Buffer.from(` ${text} `))).toEqual(JSON.parse(text));
      },
    ),
  );
});

test.each([
  ['{"a":1,"a":[2]}', { a: [2] }],
  ['{"a":1,"\\u0061":2}', { a: 2 }],
  ['{"a":"}","b":{"c":"\\"}"},"d":[{}]}', { a: '}', b: { c: '"}' }, d: [{}] }],
  ['{}', {}],
])('%s has the members %j', (text, expected) => {
  expect(members(Buffer.from(text))).toEqual(expected);
});

test.each(['', '[]', '1', '{', '{}x', '{"a":}', 'null'])('%j is no object', (text) => {
  expect(scanObject(Buffer.from(text))).toBeUndefined();
});

test('the elements of an array are found by their bytes', () => {
  const text = '[1, {"a":[2]} ,"],", []]';
  expect(scanArray(Buffer.from(text))?.map(({ start, end }) => text.slice(start, end))).toEqual(['1', '{"a":[2]}', '"],"', '[]']);
  expect(scanArray(Buffer.from('[]'))).toEqual([]);
  expect(scanArray(Buffer.from('{}'))).toBeUndefined();
});

test.each([
  ['{"custom_id":"a","body":{"custom_id":"b"}}', '"a"'],
  ['{"body":{},"custom_id" : "\\u0061\\"" }', '"\\u0061\\""'],
  ['{"custom_\\u0069d":"a"}', '"a"'],
  ['{"custom_id":"a","custom_id":"b"}', '"b"'],
  ['{"custom_id":"a","custom_id":5}', undefined],
  ['{"custom_id":5}', undefined],
  ['{"body":1}', undefined],
  ['{"custom_id":"a"', undefined],
])('the id of %s is %s', (line, id) => {
  expect(lineId(Buffer.from(line))?.toString()).toBe(id);
});

test('a string token says what JSON.parse reads from it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const token = Buffer.from(JSON.stringify(text));
      expect(tokenText(token)).toBe(JSON.parse(token.toString()));
    }),
  );
  expect(tokenSays(Buffer.from('"\\/v1\\/x"'), '/v1/x')).toBe(true);
  expect(tokenSays(Buffer.from('"/v1/y"'), '/v1/x')).toBe(false);
});

test('words are found among bytes, and nothing else is', () => {
  const words = new WordSet(['role', 'rule', 'é', '']);
  const find = (text: string) => words.find(Buffer.from(`x${text}y`), 1, 1 + Buffer.byteLength(text));
  expect(['role', 'rule', 'é', '', 'rolf', 'roles', 'rol', 'e'].map(find)).toEqual([
    'role',
    'rule',
    'é',
    '',
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
