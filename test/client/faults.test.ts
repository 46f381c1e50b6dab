/** Long transfers and creates over a line that breaks: nothing is lost, nothing is done twice, nothing is sent again that has arrived. */
import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Client, makeClient, type ResultRow } from '../../src/client/client.ts';
import { type HttpLine, openHttpLine } from '../../src/torture/http-line.ts';
import { allIds, idOf, makeRows } from '../support/rows.ts';
import { MODEL, START_MS, startServer, type TestServer } from './server.ts';

const MB = 1_000_000;
let server: TestServer;
let line: HttpLine;
let client: Client;
/** Rows from this one on get no answer. */
let held = Number.POSITIVE_INFINITY;

beforeAll(async () => {
  server = await startServer({ script: ({ marker }) => (marker >= idOf(held) ? 'hang' : undefined) });
  line = await openHttpLine(server.url);
}, START_MS);
afterAll(async () => {
  await line?.close();
  await server?.close();
});
beforeEach(() => {
  line.seen.length = 0;
  line.script = () => undefined;
  held = Number.POSITIVE_INFINITY;
  client = clientWith({});
});

const clientWith = (options: { readonly retries?: number }): Client =>
  makeClient({ baseUrl: line.url, apiKey: server.apiKey, ...options });
const seen = (method: string, path: RegExp) => line.seen.filter((one) => one.method === method && path.test(one.path));
const puts = () => seen('PUT', /uploads/).map(({ headers }) => String(headers['content-range']));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
let made = 0;
const newId = (word: string): string => `${word}-${++made}`;

/** Where the bytes of a PUT begin; infinite for one that only asks, and for all other requests. */
const startOf = (contentRange: unknown): number =>
  Number(/^bytes (\d+)-/.exec(String(contentRange))?.[1] ?? Number.POSITIVE_INFINITY);

/** Rows of a few hundred bytes that no two files share. */
const largeText = (bytes: number): Buffer => {
  const rows: string[] = [];
  for (let size = 0; size < bytes; size += 300)
    rows.push(
      `{"custom_id":"${rows.length}","body":{"messages":[{"role":"user","content":"${randomBytes(110).toString('hex')}"}]}}\n`,
    );
  return Buffer.from(rows.join(''));
};

/** What the server keeps of files that are not whole. */
const pieces = async (): Promise<readonly string[]> =>
  (await readdir(join(server.dataDir, 'objects', 'pieces'), { recursive: true, withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

/** What has been stored, fetched as people fetch it. */
const storedIn = async (id: string): Promise<string> => {
  const hash = createHash('sha256');
  await client.downloadDataset(id, () => new WritableStream({ write: (chunk) => void hash.update(chunk) }));
  return hash.digest('hex');
};

describe('uploads', () => {
  test('a large file that breaks off more often than there are tries goes on where it had got to', async () => {
    const bytes = largeText(20 * MB);
    const id = newId('in');
    line.script = ({ headers }) => (startOf(headers['content-range']) < 12 * MB ? { sent: 3 * MB } : undefined);
    const progress: number[] = [];
    const dataset = await client.uploadDataset({ datasetId: id }, [{ name: 'rows.jsonl', content: new Blob([bytes]) }], {
      onProgress: (at) => progress.push(at.bytes),
    });
    expect(dataset.state).toBe('READY');
    const starts = seen('PUT', /uploads/).map(({ headers }) => startOf(headers['content-range']));
    const sends = starts.filter((start) => start < Number.POSITIVE_INFINITY);
    expect(sends.length).toBeGreaterThanOrEqual(5);
    // What had arrived was not sent again, but for what was in the pipes.
    expect(sends.at(-1)).toBeGreaterThanOrEqual(12 * MB);
    expect(progress.at(-1)).toBe(bytes.length);
    expect(await storedIn(id)).toBe(sha256(bytes));
  });

  test('a line that brings nothing through is given up after the tries', async () => {
    const file = { name: 'rows.jsonl', content: new Blob([largeText(9 * MB)]) };
    line.script = ({ method }) => (method === 'PUT' ? 'before' : undefined);
    const upload = clientWith({ retries: 2 }).uploadDataset({ datasetId: newId('in') }, [file]);
    await expect(upload).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'NO_CONNECTION' });
    expect(puts()).toHaveLength(3);
  });

  test('an upload of a program that died is taken up by the next one when that is asked for, and begun anew when not', async () => {
    for (const resume of [true, false]) {
      const bytes = largeText(12 * MB);
      const file = { name: 'rows.jsonl', content: new Blob([bytes]) };
      const id = newId('in');
      line.script = ({ method }) => (method === 'PUT' ? { sent: 7 * MB } : undefined);
      const before = (await pieces()).length;
      await expect(clientWith({ retries: 0 }).uploadDataset({ datasetId: id }, [file])).rejects.toThrow();
      // The server hears of the cut a little later than the client.
      await expect.poll(async () => (await pieces()).length, { timeout: 30_000 }).toBeGreaterThan(before);
      line.script = () => undefined;
      line.seen.length = 0;
      expect(await client.uploadDataset({ datasetId: id }, [file], { resume })).toMatchObject({ state: 'READY' });
      const [first, second] = puts();
      // A connection that is reset loses what its reader had not got to yet.
      if (resume)
        expect([first, puts().at(-1)]).toEqual([`bytes */${bytes.length}`, expect.stringMatching(/^bytes [1-7]\d{6}-/)]);
      else expect([first, second]).toEqual([`bytes 0-${bytes.length - 1}/${bytes.length}`, undefined]);
      expect(await storedIn(id)).toBe(sha256(bytes));
    }
  });

  test('a gateway that is full for a moment is waited for; a dataset that is done stays as it is', async () => {
    const id = newId('in');
    const file = { name: 'rows.jsonl', content: new Blob([largeText(9 * MB)]) };
    line.script = ({ method }) => (method === 'PUT' && puts().length < 2 ? { status: 503 } : undefined);
    expect(await client.uploadDataset({ datasetId: id }, [file])).toMatchObject({ state: 'READY' });
    await expect(client.uploadDataset({ datasetId: id }, [file])).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });
});

describe('downloads', () => {
  test('a dataset whose download breaks off comes whole, and its size is known meanwhile', async () => {
    const bytes = largeText(5 * MB);
    const id = newId('in');
    await client.uploadDataset({ datasetId: id }, [{ name: 'rows.jsonl', content: new Blob([bytes]) }]);
    line.script = ({ method, path }) => {
      if (!path.startsWith('/v1/downloads/') || method === 'HEAD') return undefined;
      return seen('GET', /downloads/).length <= 3 ? MB : undefined;
    };
    const chunks: Uint8Array[] = [];
    const sizes = new Set<number | undefined>();
    const files = await client.downloadDataset(id, () => new WritableStream({ write: (chunk) => void chunks.push(chunk) }), {
      onProgress: ({ totalBytes }) => sizes.add(totalBytes),
    });
    expect(files.map(({ name }) => name)).toEqual(['rows.jsonl']);
    expect(sha256(Buffer.concat(chunks))).toBe(sha256(bytes));
    expect([...sizes]).toEqual([bytes.length]);
    const starts = seen('GET', /downloads/).map(({ headers }) => Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0));
    expect(starts).toHaveLength(4);
    expect(starts.every((start, index) => index === 0 || start > (starts[index - 1] ?? 0))).toBe(true);
  });

  test('a sink that takes no more ends the download with its own words', async () => {
    const id = newId('in');
    await client.uploadDataset({ datasetId: id }, [{ name: 'rows.jsonl', content: new Blob([largeText(MB)]) }]);
    const full = new Error('no space left');
    const sink = () => new WritableStream({ write: () => Promise.reject(full) });
    await expect(client.downloadDataset(id, sink)).rejects.toBe(full);
  });
});

describe('creates', () => {
  test('whatever is created is created once though its reply was lost, under one key for all tries', async () => {
    const input = newId('in');
    await client.uploadDataset({ datasetId: input }, [{ name: 'rows.jsonl', content: new Blob([makeRows(400)]) }]);
    const creates: Readonly<Record<string, () => Promise<unknown>>> = {
      batchInferenceJobs: () => client.jobs.create({ model: MODEL, inputDatasetId: input }),
      datasets: () => client.datasets.create({ datasetId: newId('lost') }),
      users: () => client.users.create({ email: `${newId('ada')}@example.test` }),
      models: () =>
        client.models.create({
          modelId: newId('model'),
          model: { kind: 'HF_BASE_MODEL', baseModelDetails: { checkpointFormat: 'NATIVE' } },
        }),
      split: () => client.datasets.split(input, { chunkSize: 200 }),
    };
    for (const [what, create] of Object.entries(creates)) {
      line.seen.length = 0;
      line.script = ({ method }) => (method === 'POST' && seen('POST', /./).length === 1 ? 'after' : undefined);
      const first = await create();
      const keys = seen('POST', /./).map(({ headers }) => headers['idempotency-key']);
      expect(keys, what).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), keys[0]]);
      expect(first, what).toBeTypeOf('object');
    }
    expect(await Array.fromAsync(client.jobs.list())).toHaveLength(1);
  });

  test('a key of one’s own makes a call of another program the same call', async () => {
    const id = newId('in');
    await client.uploadDataset({ datasetId: id }, [{ name: 'rows.jsonl', content: new Blob([makeRows(1)]) }]);
    const create = () => clientWith({}).jobs.create({ model: MODEL, inputDatasetId: id }, { idempotencyKey: 'nightly-7' });
    const [first, second] = [await create(), await create()];
    expect(second.name).toBe(first.name);
  });
});

describe('results of a job that runs', () => {
  const idsOf = (rows: readonly ResultRow[]): readonly (string | null)[] => rows.map(({ custom_id }) => custom_id).toSorted();
  /** A job of which only the first rows are answered, once those are committed. */
  const begin = async (rows: number, answered: number): Promise<string> => {
    held = answered;
    const id = newId('in');
    await client.uploadDataset({ datasetId: id }, [{ name: 'rows.jsonl', content: new Blob([makeRows(rows)]) }]);
    const { name } = await client.jobs.create({ model: MODEL, inputDatasetId: id });
    await expect.poll(async () => (await client.jobs.get(name)).jobProgress?.outputRows, { timeout: 60_000 }).toBe(answered);
    return name;
  };
  const release = () => {
    held = Number.POSITIVE_INFINITY;
    server.engine.cutConnections();
  };

  test('rows come once each over pages that break off, before the end and after it', async () => {
    const name = await begin(300, 120);
    line.script = ({ path }) => {
      if (!path.includes(':results')) return undefined;
      const tries = seen('GET', /:results/).length;
      return ([{ status: 503 }, 5_000, 'after'] as const)[tries % 4];
    };
    const early = await Array.fromAsync(client.jobs.results(name, { pageBytes: 1 }));
    expect(idsOf(early)).toEqual(allIds(120));
    const [page] = await Array.fromAsync(client.jobs.results(name).pages());
    expect(page).toMatchObject({ isComplete: false, nextPageToken: expect.any(String) });
    release();
    await client.waitForJob(name, { intervalMs: 20 });
    const rest = await Array.fromAsync(client.jobs.results(name, { pageToken: page?.nextPageToken, pageBytes: 4_000 }));
    expect(idsOf([...early, ...rest])).toEqual(allIds(300));
    expect(seen('GET', /:results/).length).toBeGreaterThan(15);
  });

  test('who follows gets all rows by the end, and each once', async () => {
    const name = await begin(200, 50);
    const rows: ResultRow[] = [];
    for await (const row of client.jobs.results(name, { follow: true, kind: 'answers', intervalMs: 20 })) {
      if (rows.length === 0) release();
      rows.push(row);
    }
    expect(idsOf(rows)).toEqual(allIds(200));
    expect((await client.jobs.get(name)).state).toBe('JOB_STATE_COMPLETED');
    expect(await Array.fromAsync(client.jobs.results(name, { follow: true, kind: 'errors' }))).toEqual([]);
  });

  test('who leaves is let go', async () => {
    const leave = new AbortController();
    const name = await begin(20, 10);
    const following = Array.fromAsync(client.jobs.results(name, { follow: true, signal: leave.signal }).pages());
    await expect.poll(() => seen('GET', /:results/).length).toBeGreaterThan(1);
    leave.abort();
    await expect(following).rejects.toMatchObject({ name: 'AbortError' });
    release();
  });

  test(
    'a server that dies while a job runs and comes back gives the rest',
    async () => {
      const name = await begin(200, 80);
      const [page] = await Array.fromAsync(client.jobs.results(name).pages());
      expect(page?.text.split('\n')).toHaveLength(81);
      await server.restart();
      release();
      client = makeClient({ baseUrl: server.url, apiKey: server.apiKey });
      const rest = await Array.fromAsync(client.jobs.results(name, { follow: true, pageToken: page?.nextPageToken }));
      expect(idsOf(rest)).toEqual(allIds(200).slice(80));
    },
    START_MS,
  );
});
