/** Files of lines that know their own hash. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { LineSplitter, splitLines } from '../../jsonl/split-lines.ts';

export interface LineFile {
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

const BLOCK_CHARACTERS = 256 * 1024;

/** Writes the lines, on disk when it returns; only this user can read them. */
export async function writeLines(path: string, lines: AsyncIterable<string> | Iterable<string>): Promise<LineFile> {
  const file = await open(path, 'w', 0o600);
  const hash = createHash('sha256');
  let [rows, bytes, block] = [0, 0, ''];
  const flush = async (): Promise<void> => {
    const written = Buffer.from(block);
    block = '';
    bytes += written.length;
    hash.update(written);
    await file.writeFile(written);
  };
  try {
    // It may be there already, from an export that was cut short or of somebody who waits for it.
    await file.chmod(0o600);
    for await (const line of lines) {
      rows += 1;
      block += `${line}\n`;
      if (block.length >= BLOCK_CHARACTERS) await flush();
    }
    await flush();
    await file.datasync();
  } finally {
    await file.close();
  }
  return { rows, bytes, sha256: hash.digest('hex') };
}

/** A line is a row, which is never near this. */
const MAX_LINE_BYTES = 2 ** 30;

/** Reads the lines; throws `fault` at the end where they are not those that were written. */
export async function* readLines(path: string, { sha256 }: LineFile, fault: () => Error): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const chunks = hashed(createReadStream(path), (chunk) => hash.update(chunk));
  for await (const lines of splitLines(chunks, new LineSplitter({ maxLineBytes: MAX_LINE_BYTES })))
    for (const { bytes, fault: lineFault } of lines) {
      if (lineFault !== undefined) throw fault();
      yield bytes.toString('utf8');
    }
  if (hash.digest('hex') !== sha256) throw fault();
}

/** The same bytes, and whoever counts them. */
export async function* hashed(chunks: AsyncIterable<Buffer>, look: (chunk: Buffer) => unknown): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    look(chunk);
    yield chunk;
  }
}
