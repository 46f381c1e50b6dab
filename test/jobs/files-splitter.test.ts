import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FilesSplitter } from '../../src/jobs/files-splitter.ts';
import { readPlan } from '../../src/jobs/read-plan.ts';
import { LineSplitter } from '../../src/jsonl/split-lines.ts';

interface NamedText {
  readonly name: string;
  readonly text: string;
}
const toFiles = (files: readonly NamedText[]) => files.map(({ name, text }) => ({ name, bytes: Buffer.byteLength(text) }));
const cut = function* (bytes: Buffer, chunkBytes: number) {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
};

/** Each file on its own: what splitting them together must come to. */
const splitAlone = (files: readonly NamedText[]) => {
  let offset = 0;
  return files.flatMap(({ name, text }) => {
    const splitter = new LineSplitter();
    const bytes = Buffer.from(text);
    const lines = [...splitter.push(bytes), ...splitter.end()].map((line) => ({
      file: name,
      line: line.number,
      offset: offset + line.offset,
      text: line.bytes.toString(),
    }));
    offset += bytes.length;
    return lines;
  });
};

test('several files split together have the lines that they have alone, wherever the chunks are cut', () => {
  const text = fc
    .array(fc.constantFrom('{"a":1}', 'é', '', ' ', '\n', '\r\n', '\ufeff'), { maxLength: 8 })
    .map((parts) => parts.join(''));
  const inputs = fc
    .array(text, { minLength: 2, maxLength: 5 })
    .map((texts) => texts.map((of, file) => ({ name: `f${file}`, text: of })));
  fc.assert(
    fc.property(inputs, fc.integer({ min: 1, max: 20 }), (files, chunkBytes) => {
      const splitter = new FilesSplitter(toFiles(files));
      const all = Buffer.concat(files.map((file) => Buffer.from(file.text)));
      const lines = [...cut(all, chunkBytes)].flatMap((chunk) => [...splitter.push(chunk)]).concat(splitter.end());
      const found = lines.map(({ number, offset, bytes }) => ({ ...splitter.placeOf(number), offset, text: bytes.toString() }));
      expect(found).toEqual(splitAlone(files));
      expect(splitter.bytes).toBe(all.length);
    }),
  );
});

const row = (id: string) => `{"custom_id":"${id}","body":{"messages":[{"role":"user","content":"${id}"}]}}`;
const read = (files: readonly NamedText[]) => {
  const all = Buffer.concat(files.map(({ text }) => Buffer.from(text)));
  const chunks = async function* () {
    yield* cut(all, 10);
  };
  const readAt = async (offset: number, length: number) => all.subarray(offset, offset + length);
  return readPlan(chunks(), { files: toFiles(files), readAt, bareRows: false, systemPrompt: false });
};

test('the rows of all files are planned, and a border joins no two lines', async () => {
  const files = [
    { name: 'a.jsonl', text: `${row('a')}\n${row('b')}` },
    { name: 'b.jsonl', text: `\ufeff${row('c')}\r\n` },
    { name: 'c.jsonl', text: row('d') },
  ];
  const { rows, badLines } = await read(files);
  const all = Buffer.from(files.map(({ text }) => text).join(''));
  expect(badLines.count).toBe(0);
  expect(Array.from(rows.offset, (offset, at) => all.toString('utf8', offset, offset + (rows.length[at] ?? 0)))).toEqual(
    ['a', 'b', 'c', 'd'].map(row),
  );
});

test('a bad line is found in its file, by its own number', async () => {
  const { badLines } = await read([
    { name: 'a.jsonl', text: `${row('a')}\n\nnonsense\n` },
    { name: 'b.jsonl', text: `\n${row('b')}\n${row('a')}\n{` },
  ]);
  expect(badLines.kept).toEqual([
    expect.objectContaining({ file: 'a.jsonl', line: 3, reason: 'BROKEN_JSON' }),
    expect.objectContaining({
      file: 'b.jsonl',
      line: 3,
      reason: 'DUPLICATE_CUSTOM_ID',
      message: 'custom_id "a" is on line 1 of a.jsonl and again on line 3 of b.jsonl',
    }),
    expect.objectContaining({ file: 'b.jsonl', line: 4, reason: 'BROKEN_JSON' }),
  ]);
});
