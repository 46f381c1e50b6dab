/** The limit of a dataset at its full size, 500 MB, held while the bytes come in; the program's memory stays what it was. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ContractServer, type Reply, rowOf, startContractServer } from './server.ts';
import { refusal } from './shapes.ts';

const LIMIT = 524_288_000;
const ROW_BYTES = 4_096;
/** 4 MB at a time. */
const ROWS_PER_BLOCK = 1_024;
/** Far less than what comes in, and more than what is on its way through pipes and sockets. */
const SLACK = 64 * 1024 * 1024;

let server: ContractServer;
let pid = 0;
beforeAll(async () => {
  server = await startContractServer();
  pid = JSON.parse(readFileSync(join(server.server.dataDir, 'server.json'), 'utf8')).pid;
  // The first upload, of whatever size, leaves up to 500 MB of garbage on a busy machine before the collector comes to it.
  await send('warm-up', LIMIT / 4);
});
afterAll(() => server?.close());

/** Rows of the same length, as many as it takes. */
function* blocks(): Generator<Buffer> {
  for (let first = 0; ; first += ROWS_PER_BLOCK) {
    const rows = Array.from(
      { length: ROWS_PER_BLOCK },
      (_, at) =>
        `${rowOf(`row-${String(first + at).padStart(7, '0')}`)
          .trim()
          .padEnd(ROW_BYTES - 1)}\n`,
    );
    yield Buffer.from(rows.join(''), 'latin1');
  }
}

interface Sent {
  readonly status: number | undefined;
  readonly body: Reply;
  /** How much of the file was taken off our hands. */
  readonly bytes: number;
  /** How much larger the program was at its largest than before. */
  readonly grownBytes: number;
}

const residentBytes = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

/** Streams a file into a dataset, without saying how long it is, until it is complete or the program has answered. */
async function send(datasetId: string, fileBytes: number): Promise<Sent> {
  await server.post('datasets', { datasetId, dataset: { userUploaded: {} } });
  const boundary = 'full-size';
  const sending = request(`${server.server.url}/v1/${server.name(`datasets/${datasetId}:upload`)}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.server.apiKey}`, 'content-type': `multipart/form-data; boundary=${boundary}` },
  });
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  const state = { isAnswered: false, bytes: 0, most: 0 };
  // Once it has refused, it reads no further, and what is still under way breaks.
  const over = answered
    .catch(() => undefined)
    .then(() => {
      state.isAnswered = true;
    });
  const before = residentBytes();
  sending.write(`--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="rows.jsonl"\r\n\r\n`);
  for (const block of blocks()) {
    if (state.isAnswered || state.bytes === fileBytes) break;
    const piece = block.subarray(0, fileBytes - state.bytes);
    if (!sending.write(piece)) await Promise.race([once(sending, 'drain'), over]);
    state.bytes += piece.length;
    state.most = Math.max(state.most, residentBytes());
  }
  sending.end(`\r\n--${boundary}--\r\n`);
  const [reply] = await answered;
  const text = await reply.toArray();
  return {
    status: reply.statusCode,
    body: JSON.parse(Buffer.concat(text).toString()),
    bytes: state.bytes,
    grownBytes: state.most - before,
  };
}

test('exactly the limit goes through, all of it counted, in the memory that the program has', async () => {
  const { grownBytes, ...sent } = await send('full', LIMIT);
  expect(sent).toMatchObject({ status: 200, body: { bytes: LIMIT }, bytes: LIMIT });
  expect(await server.get('datasets/full')).toMatchObject({ state: 'READY', exampleCount: String(LIMIT / ROW_BYTES) });
  // Garbage that its collector has not got to is in it; the file would be twice as much.
  expect(grownBytes).toBeLessThan(300e6);
  console.log(`${LIMIT} bytes grew the program by ${Math.round(grownBytes / 1e6)} MB`);
});

test('one byte more is refused, and nothing of it is kept', async () => {
  const { status, body } = await send('more', LIMIT + 1);
  expect({ status, body }).toEqual({ status: 400, body: refusal(3, expect.stringContaining(String(LIMIT))) });
  expect(await server.get('datasets/more')).toMatchObject({ state: 'UPLOADING', exampleCount: '0' });
});

test('a file without an end is cut at the limit', async () => {
  const { grownBytes, ...sent } = await send('endless', 4 * LIMIT);
  expect(sent).toMatchObject({ status: 400, body: { code: 3 } });
  expect(sent.bytes).toBeGreaterThanOrEqual(LIMIT);
  expect(sent.bytes).toBeLessThan(LIMIT + SLACK);
  // Garbage that its collector has not got to is in it; the file would be twice as much.
  expect(grownBytes).toBeLessThan(300e6);
});
