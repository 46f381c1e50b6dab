/** A gigabyte through the published client, whole and by parts, into a server that does not grow with it. */
import { createHash } from 'node:crypto';
import { createWriteStream, openAsBlob } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBoatload } from '../support/program.ts';

const MB = 1024 * 1024;
const BYTES = 1024 * MB;
/** By parts every byte is written twice: less will do. */
const BYTES_BY_PARTS = BYTES / 2;
const PART_BYTES = 64 * MB;
/** Garbage that is not collected yet; a file that is kept is all of its gigabyte. */
const MOST_GROWTH = 300 * MB;
const LOOK_MS = 20;

let dir: string;
let input: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'boatload-gigabyte-'));
  input = join(dir, 'in.jsonl');
  await pipeline(rows(BYTES), createWriteStream(input));
});
afterAll(() => rm(dir, { recursive: true }));

/** Rows that are all alike, in blocks. */
function* rows(bytes: number) {
  const row = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[]}}`;
  const block = Buffer.from(`${row.padEnd(127)}\n`.repeat(MB / 128));
  for (let sent = 0; sent < bytes; sent += MB) yield block;
}

const md5Of = async (pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string> => {
  const hash = createHash('md5');
  for await (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
};

/** The most memory that a process has while something is done. */
const watchPeak = async <T>(pid: number, work: () => Promise<T>) => {
  const look = async () => Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  const before = await look();
  const seen = { peak: before };
  const timer = setInterval(async () => {
    seen.peak = Math.max(seen.peak, await look());
  }, LOOK_MS);
  const result = await work().finally(() => clearInterval(timer));
  return { result, growth: seen.peak - before };
};

test('a gigabyte comes in whole, by parts, and goes out again, and the server stays as it was', async () => {
  const program = startBoatload(['up', '--json', '--port', '0', '--data-dir', 'data'], {
    cwd: dir,
    env: { BOATLOAD_MAX_DATASET_BYTES: String(BYTES) },
  });
  const [line] = await program.says(/^{.*}$/m);
  const { url, apiKey } = JSON.parse(line) as { url: string; apiKey: string };
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0, timeout: 600_000 });
  const blob = await openAsBlob(input); // Read from the disk as it is sent.
  // The first upload, of whatever size, leaves up to 500 MB of garbage on a busy machine before the collector comes to it.
  await client.files.create({ file: new File([blob.slice(0, 2 * PART_BYTES)], 'warm-up.jsonl'), purpose: 'batch' });

  const whole = await watchPeak(program.pid, () => client.files.create({ file: new File([blob], 'in.jsonl'), purpose: 'batch' }));
  expect(whole.result).toMatchObject({ bytes: BYTES, filename: 'in.jsonl', status: 'processed' });

  const content = await watchPeak(program.pid, async () => {
    const reply = await client.files.content(whole.result.id, { headers: { 'accept-encoding': 'identity' } });
    return md5Of(reply.body ?? []);
  });
  expect(content.result).toBe(await md5Of(rows(BYTES)));
  await client.files.delete(whole.result.id);

  const parts = await watchPeak(program.pid, async () => {
    const [bytes, md5] = [BYTES_BY_PARTS, await md5Of(rows(BYTES_BY_PARTS))];
    const upload = await client.uploads.create({ filename: 'parts.jsonl', bytes, purpose: 'batch', mime_type: 'x' });
    const starts = Array.from({ length: bytes / PART_BYTES }, (_, index) => index * PART_BYTES);
    const part_ids: string[] = [];
    for (const start of starts) {
      const data = new File([blob.slice(start, start + PART_BYTES)], 'part');
      part_ids.push((await client.uploads.parts.create(upload.id, { data })).id);
    }
    return client.uploads.complete(upload.id, { part_ids, md5 });
  });
  expect(parts.result).toMatchObject({ status: 'completed', file: { bytes: BYTES_BY_PARTS, filename: 'parts.jsonl' } });

  const growths = { whole: whole.growth, content: content.growth, parts: parts.growth };
  console.log(
    Object.entries(growths)
      .map(([name, bytes]) => `${name}: +${Math.round(bytes / MB)} MB`)
      .join(', '),
  );
  expect(Object.entries(growths).filter(([, bytes]) => bytes > MOST_GROWTH)).toEqual([]);
});
