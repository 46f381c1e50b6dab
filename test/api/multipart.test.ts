import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readFilePart } from '../../src/api/multipart.ts';

const BOUNDARY = 'x-boundary';
const part = (name: string, content: string, filename?: string) =>
  `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n\r\n${content}\r\n`;
const END = `--${BOUNDARY}--\r\n`;

/** A request whose body comes in the given pieces. */
const requestOf = (pieces: readonly Uint8Array[], contentType = `multipart/form-data; boundary=${BOUNDARY}`) =>
  new Request('http://x.test/', {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: ReadableStream.from(pieces),
    duplex: 'half',
  });
const collect = async ({ filename, body }: { filename: string; body: AsyncIterable<Uint8Array> }) => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return { filename, content: Buffer.concat(chunks).toString('latin1') };
};
const read = (text: string) => readFilePart(requestOf([Buffer.from(text, 'latin1')]), collect);

test('the file is the same however the body is cut', async () => {
  const content = fc.string({ unit: fc.constantFrom('\r', '\n', '-', '--x-bound', '{}', '\u00ff', '\0'), maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(content, fc.array(fc.nat(300), { maxLength: 8 }), async (text, cuts) => {
      const bytes = Buffer.from(
        `${part('purpose', 'batch')}${part('file', text, 'in.jsonl')}${part('after', 'x')}${END}`,
        'latin1',
      );
      const borders = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
      const pieces = borders.slice(1).map((end, index) => bytes.subarray(borders[index], end));
      expect(await readFilePart(requestOf(pieces), collect)).toEqual({ filename: 'in.jsonl', content: text });
    }),
    { numRuns: 60 },
  );
});

test('a part named file is the file even without a filename', async () => {
  expect((await read(part('file', 'abc') + END)).content).toBe('abc');
});

test.each([
  ['no boundary in the header', () => readFilePart(requestOf([], 'multipart/form-data'), collect), 'NOT_MULTIPART'],
  ['no content type', () => readFilePart(requestOf([], ''), collect), 'NOT_MULTIPART'],
  ['another content type', () => readFilePart(requestOf([], 'application/json'), collect), 'NOT_MULTIPART'],
  ['a form of fields', () => readFilePart(requestOf([], 'application/x-www-form-urlencoded'), collect), 'NOT_MULTIPART'],
  ['no parts', () => read(END), 'NO_FILE'],
  ['no file among the parts', () => read(part('purpose', 'x') + part('data', 'y', 'data.jsonl') + END), 'NO_FILE'],
  ['two files', () => read(part('file', 'a', 'a') + part('file', 'b', 'b') + END), 'SEVERAL_FILES'],
  ['an empty body', () => read(''), 'UPLOAD_BROKEN_OFF'],
  ['a body cut off in the file', () => read(part('file', 'abc', 'a').slice(0, -2)), 'UPLOAD_BROKEN_OFF'],
  ['a body cut off behind the file', () => read(part('file', 'abc', 'a')), 'UPLOAD_BROKEN_OFF'],
  [
    'a body cut off in another part',
    () => read(part('file', 'abc', 'a') + part('data', 'y', 'b').slice(0, -4)),
    'UPLOAD_BROKEN_OFF',
  ],
])('%s is refused', async (_, attempt, reason) => {
  await expect(attempt()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', reason });
});

test('a receiver that refuses is heard at once, and the rest of the body is not read', async () => {
  const refusal = new Error('too much');
  const pulled = { pieces: 0 };
  async function* endless() {
    yield Buffer.from(part('file', '', 'a').slice(0, -2));
    for (;;) {
      pulled.pieces += 1;
      yield Buffer.alloc(65_536, 'x');
    }
  }
  const request = new Request('http://x.test/', {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    body: ReadableStream.from(endless()),
    duplex: 'half',
  });
  const receive = async ({ body }: { body: AsyncIterable<Uint8Array> }): Promise<object> => {
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > 1_000_000) throw refusal;
    }
    return {};
  };
  await expect(readFilePart(request, receive)).rejects.toBe(refusal);
  expect(pulled.pieces).toBeLessThan(40);
});
