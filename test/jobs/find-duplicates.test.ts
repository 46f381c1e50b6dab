import { expect, test } from 'vitest';
import { BadLines } from '../../src/jobs/bad-line.ts';
import { findDuplicates } from '../../src/jobs/find-duplicates.ts';
import { LineNumbers } from '../../src/jobs/line-numbers.ts';
import { makeIndex } from './make-index.ts';

test('rows whose fingerprints meet by accident are told apart by their bytes, and the third of them is compared with both', async () => {
  const lines = ['x', 'y', 'z', 'y', 'x'].map((id) => `{"custom_id":"${id}"}`);
  const file = Buffer.from(lines.join(''));
  const rows = makeIndex(lines.map((line, row) => ({ offset: row * line.length, length: line.length })));
  const lineNumbers = new LineNumbers();
  for (const row of lines.keys()) lineNumbers.add(row, row + 1);
  const badLines = new BadLines(10);
  const suspects = [1, 2, 3, 4].map((row) => ({ row, firstRow: 0 }));
  const readAt = async (offset: number, length: number) => file.subarray(offset, offset + length);
  await findDuplicates(suspects, { rows, lineNumbers, badLines, readAt, nameRow: (row) => `line ${row + 1}` });
  expect(badLines.kept.map(({ message }) => message)).toEqual([
    'custom_id "y" is on line 2 and again on line 4',
    'custom_id "x" is on line 1 and again on line 5',
  ]);
});

test('lines are found by row numbers across any number of blank lines', () => {
  const lineNumbers = new LineNumbers();
  const lines = Array.from({ length: 5000 }, (_, row) => row + 1 + Math.floor(row / 3) + (row > 2500 ? 1000 : 0));
  for (const [row, line] of lines.entries()) lineNumbers.add(row, line);
  expect(lines.map((_, row) => lineNumbers.lineOf(row))).toEqual(lines);
});
