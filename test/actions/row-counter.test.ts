import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowCounter } from '../../src/actions/row-counter.ts';

const count = (...pieces: Uint8Array[]) => {
  const counter = new RowCounter();
  for (const piece of pieces) counter.add(piece);
  return counter.rows;
};

test.each([
  ['', 0],
  ['\n', 0],
  [' \t\r\n\n', 0],
  ['{}', 1],
  ['{}\n', 1],
  ['{}\r\n{}', 2],
  ['\n\n{}\n \n{}\n\n', 2],
  ['  {}', 1],
])('%j has %d rows', (text, rows) => {
  expect(count(Buffer.from(text))).toBe(rows);
});

test('the count is the same however the bytes are cut', () => {
  const text = fc.array(fc.constantFrom('\n', '\r\n', ' ', '{}', 'é', '\t')).map((parts) => Buffer.from(parts.join('')));
  fc.assert(
    fc.property(text, fc.array(fc.nat(40)), (bytes, cuts) => {
      const borders = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
      const pieces = borders.slice(1).map((end, index) => bytes.subarray(borders[index], end));
      const expected = bytes
        .toString()
        .split('\n')
        .filter((line) => line.trim() !== '').length;
      expect(count(...pieces)).toBe(expected);
    }),
  );
});
