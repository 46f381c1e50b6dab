/** A file that is far larger than what a client may hold. */
import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openHttpLine } from '../../src/torture/http-line.ts';
import { makeFolder } from '../support/folder.ts';
import { START_MS, startServer } from './server.ts';

const run = promisify(execFile);
const UPLOAD = fileURLToPath(new URL('upload-process.ts', import.meta.url));
const MB = 1_000_000;

/** Rows of a megabyte. */
function* rows(count: number): Generator<string> {
  const content = 'x'.repeat(MB - 100);
  for (let row = 0; row < count; row++)
    yield `${JSON.stringify({ custom_id: String(row), body: { messages: [{ role: 'user', content }] } })}\n`;
}

test(
  'an upload of 300 MB that is cut in the middle takes a fraction of that in memory',
  async () => {
    const server = await startServer();
    const line = await openHttpLine(server.url);
    try {
      const path = join(await makeFolder(), 'rows.jsonl');
      await pipeline(Readable.from(rows(300)), createWriteStream(path));
      line.script = ({ headers }) => (String(headers['content-range']).startsWith('bytes 0-') ? { sent: 150 * MB } : undefined);
      const { stdout } = await run(process.execPath, [UPLOAD, line.url, server.apiKey, 'large', path]);
      const { state, bytes, grownMb } = JSON.parse(stdout);
      expect(state).toBe('READY');
      expect(bytes).toBeGreaterThan(299 * MB);
      expect(grownMb).toBeLessThan(150);
      const starts = line.seen.flatMap(({ headers }) => /^bytes (\d+)-/.exec(String(headers['content-range']))?.[1] ?? []);
      expect(Number(starts.at(-1))).toBeGreaterThan(0);
    } finally {
      await line.close();
      await server.close();
    }
  },
  2 * START_MS,
);
