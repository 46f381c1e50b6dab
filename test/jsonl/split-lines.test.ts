import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter, type SplitOptions, splitLines } from '../../src/jsonl/split-lines.ts';
import { collectGarbage } from '../support/garbage.ts';

const split = (pieces: readonly Uint8Array[], options?: SplitOptions) => {
  const splitter = new LineSplitter(options);
  const lines = [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end()];
  const { bytes, lines: count, blankLines } = splitter;
  return {
    lines: lines.map(({ bytes: line, ...rest }) => ({ ...rest, text: line.toString('latin1') })),
    bytes,
    count,
    blankLines,
  };
};

const cut = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const borders = [0, ...cuts.map((at) => Math.min(at, bytes.length)).toSorted((a, b) => a - b), bytes.length];
  return borders.slice(1).map((end, index) => Buffer.from(bytes.subarray(borders[index], end)));
};

test('lines have the number that an editor shows and their place in the file', () => {
  expect(split([Buffer.from('a\n\n  \t\nbc\r\nd')])).toEqual({
    lines: [
      { number: 1, offset: 0, text: 'a' },
      { number: 4, offset: 7, text: 'bc' },
      { number: 5, offset: 11, text: 'd' },
    ],
    bytes: 12,
    count: 5,
    blankLines: 2,
  });
});

test.each([
  ['', 0, 0],
  ['\n', 1, 1],
  ['a', 1, 0],
  ['a\n', 1, 0],
  ['a\r\n\r\n', 2, 1],
  ['\ufeff', 1, 1],
])('%j has %d lines, %d of them blank', (text, count, blankLines) => {
  expect(split([Buffer.from(text)])).toMatchObject({ count, blankLines });
});

test('a byte order mark is no part of the first line, however it is cut, and stays elsewhere', () => {
  const bytes = Buffer.from('\ufeffa\n\ufeffb\n');
  const expected = [
    { number: 1, offset: 3, text: 'a' },
    { number: 2, offset: 5, text: Buffer.from('\ufeffb').toString('latin1') },
  ];
  for (let at = 0; at < bytes.length; at++) expect(split(cut(bytes, [at])).lines).toEqual(expected);
});

test('a line that is too long is reported without its bytes, wherever it begins', () => {
  const bytes = Buffer.from(`${'x'.repeat(11)}\n${'y'.repeat(10)}\n${'z'.repeat(50)}\nok\n${'e'.repeat(11)}`);
  const expected = [
    { number: 1, offset: 0, text: '', fault: 'too-long' },
    { number: 2, offset: 12, text: 'y'.repeat(10) },
    { number: 3, offset: 23, text: '', fault: 'too-long' },
    { number: 4, offset: 74, text: 'ok' },
    { number: 5, offset: 77, text: '', fault: 'too-long' },
  ];
  for (let at = 0; at < bytes.length; at++) expect(split(cut(bytes, [at, at + 5]), { maxLineBytes: 10 }).lines).toEqual(expected);
});

test('a line of 200 MB is skipped without being held', async () => {
  const splitter = new LineSplitter({ maxLineBytes: 1000 });
  await collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  for (let chunk = 0; chunk < 200; chunk++) expect(splitter.push(Buffer.alloc(1_000_000, 'x'))).toEqual([]);
  await collectGarbage();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000);
  expect(splitter.push(Buffer.from('\nok\n')).map(({ number, offset, fault }) => ({ number, offset, fault }))).toEqual([
    { number: 1, offset: 0, fault: 'too-long' },
    { number: 2, offset: 200_000_001, fault: undefined },
  ]);
});

test('only the lines that are not UTF-8 are marked', () => {
  const bytes = Buffer.concat([Buffer.from('ä\n'), Buffer.from([0xff, 0x0a]), Buffer.from('€\n'), Buffer.from([0xc3])]);
  for (let at = 0; at < bytes.length; at++) {
    expect(split(cut(bytes, [at])).lines.map(({ fault }) => fault)).toEqual([undefined, 'not-utf8', undefined, 'not-utf8']);
  }
});

test('lines are the same however the bytes are cut', () => {
  const text = fc.array(fc.constantFrom('\n', '\r\n', '\r', ' ', '\t', 'a', 'é', '€', '\ufeff', '{"a":1}'), { maxLength: 40 });
  fc.assert(
    fc.property(text, fc.array(fc.nat(80)), fc.integer({ min: 1, max: 20 }), (parts, cuts, maxLineBytes) => {
      const bytes = Buffer.from(parts.join(''));
      expect(split(cut(bytes, cuts), { maxLineBytes })).toEqual(split([bytes], { maxLineBytes }));
    }),
  );
});

test('every line is found at its offset', () => {
  const text = fc.array(fc.constantFrom('\n', '\r\n', ' ', 'a', 'é', '\ufeff'), { maxLength: 40 });
  fc.assert(
    fc.property(text, fc.array(fc.nat(80)), (parts, cuts) => {
      const bytes = Buffer.from(parts.join(''));
      const { lines } = split(cut(bytes, cuts));
      for (const { offset, text: line } of lines) expect(bytes.toString('latin1', offset, offset + line.length)).toBe(line);
      const texts = bytes
        .toString()
        .replace(/^\ufeff/, '')
        .split(/\r?\n/)
        .filter((line) => line.trim() !== '' || line.includes('\ufeff'));
      expect(lines.map(({ text: line }) => Buffer.from(line, 'latin1').toString())).toEqual(texts);
    }),
  );
});

test('a stream gives its lines as its chunks come', async () => {
  const chunks = async function* () {
    yield Buffer.from('a\nb');
    yield Buffer.from('c\n\nd');
  };
  const texts: string[][] = [];
  for await (const lines of splitLines(chunks())) texts.push(lines.map(({ bytes }) => bytes.toString()));
  expect(texts).toEqual([['a'], ['bc'], ['d']]);
});
