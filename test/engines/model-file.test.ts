import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findModelFile, type ModelFileOptions, shippedModelPath } from '../../src/engines/model-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'boatload-models-'));
const weights = readFileSync(shippedModelPath('tickets') ?? '');
let hub: Server;

/** A model hub on loopback with one file: answers HEAD and ranges as the real one does. */
beforeAll(async () => {
  hub = createServer((request, response) => {
    if (!request.url?.includes('/acme/tiny/resolve/main/tiny.gguf')) {
      response.writeHead(404).end();
      return;
    }
    const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '');
    const start = Number(range?.[1] ?? 0);
    const end = range?.[2] ? Number(range[2]) + 1 : weights.length;
    const headers = {
      'accept-ranges': 'bytes',
      'content-length': end - start,
      'content-type': 'application/octet-stream',
      ...(range === null ? {} : { 'content-range': `bytes ${start}-${end - 1}/${weights.length}` }),
    };
    response.writeHead(range === null ? 200 : 206, headers);
    response.end(request.method === 'HEAD' ? undefined : weights.subarray(start, end));
  });
  await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve));
  process.env['HF_ENDPOINT'] = `http://127.0.0.1:${(hub.address() as AddressInfo).port}/`;
});

afterAll(async () => {
  await new Promise((resolve) => hub.close(resolve));
  await rm(scratch, { recursive: true });
});

const options = (over: Partial<ModelFileOptions> = {}): ModelFileOptions => ({
  mayDownload: async () => true,
  onProgress: () => {},
  signal: new AbortController().signal,
  directory: mkdtempSync(join(scratch, 'downloads-')),
  ...over,
});

const ADDRESS = 'hf:acme/tiny/tiny.gguf';

test('a model is downloaded once, after asking, with progress', async () => {
  const asked: string[] = [];
  const seen: number[] = [];
  const wish = options({
    mayDownload: async (address) => asked.push(address) > 0,
    onProgress: ({ bytes, totalBytes }) => seen.push(bytes / totalBytes),
  });
  const { path, name } = await findModelFile(ADDRESS, wish);
  expect(readFileSync(path).equals(weights)).toBe(true);
  expect(name).toBe('tiny');
  expect(seen.at(-1)).toBe(1);
  expect((await findModelFile(ADDRESS, wish)).path).toBe(path);
  expect(asked).toEqual([ADDRESS]);
});

test('a declined download leaves nothing', async () => {
  await expect(findModelFile(ADDRESS, options({ mayDownload: async () => false }))).rejects.toMatchObject({
    reason: 'DOWNLOAD_DECLINED',
  });
});

test('a model that the hub does not have is said to be missing', async () => {
  await expect(findModelFile('hf:acme/other/other.gguf', options())).rejects.toMatchObject({ reason: 'DOWNLOAD_FAILED' });
});

test('names and paths that lead nowhere say what was expected', async () => {
  await expect(findModelFile('no-such-model', options())).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'UNKNOWN_MODEL' });
  await expect(findModelFile('./nowhere.gguf', options())).rejects.toMatchObject({
    code: 'NOT_FOUND',
    reason: 'MODEL_FILE_NOT_FOUND',
  });
});
