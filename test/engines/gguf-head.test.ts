import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeRandomAdapter } from '../../models/random/make-random-adapter.ts';
import { makeRandomModel } from '../../models/random/make-random-model.ts';
import { readAdapter } from '../../src/engines/gguf-adapter.ts';
import { readGgufHead, toGgufFacts } from '../../src/engines/gguf-head.ts';
import { TICKETS_MODEL } from '../support/models.ts';

const dir = await mkdtemp(join(tmpdir(), 'boatload-gguf-'));
afterAll(() => rm(dir, { recursive: true }));

const SHAPE = { dimension: 32, layers: 1, heads: 1, keyValueHeads: 1, feedForward: 32, contextLength: 128 };
const headOf = (bytes: Buffer) => readGgufHead(async (start, end) => bytes.subarray(start, end));

test('a model says what it is', async () => {
  const bytes = await readFile(TICKETS_MODEL);
  const head = await headOf(bytes);
  expect(toGgufFacts(head)).toMatchObject({ architecture: 'llama', isAdapter: false, precision: 'Q8_0', splitInto: 1 });
  expect(toGgufFacts(head).chatTemplate).toContain('<|im_start|>');
  expect(toGgufFacts(head).contextLength).toBeGreaterThan(100);
  expect(head.endsAt).toBeLessThanOrEqual(bytes.length);
  expect(bytes.length - (head.endsAt ?? 0)).toBeLessThan(32);
});

test.each([
  ['f32', 'F32'],
  ['f16', 'FP16'],
  ['q4_0', 'Q4_0'],
] as const)('a model of %s is served in %s', async (type, precision) => {
  const path = join(dir, `${type}.gguf`);
  makeRandomModel(path, { type, shape: SHAPE });
  expect(toGgufFacts(await headOf(await readFile(path))).precision).toBe(precision);
});

test('an adapter is told from a model', async () => {
  const path = join(dir, 'adapter.gguf');
  makeRandomAdapter({ base: TICKETS_MODEL, path });
  const head = await headOf(await readFile(path));
  expect(toGgufFacts(head).isAdapter).toBe(true);
  expect(readAdapter(head)).toEqual({ rank: 4, modules: ['q_proj', 'v_proj'] });
  expect(readAdapter(await headOf(await readFile(TICKETS_MODEL)))).toBeUndefined();
});

test('what is no such file, or not its whole head, is refused in words', async () => {
  const bytes = await readFile(TICKETS_MODEL);
  await expect(headOf(Buffer.from('<html>not found</html>'))).rejects.toThrow('it does not begin with "GGUF"');
  await expect(headOf(bytes.subarray(0, 2000))).rejects.toThrow('it was cut off');
  await expect(headOf(Buffer.concat([bytes.subarray(0, 8), Buffer.alloc(16, 255)]))).rejects.toThrow('entries');
  const odd = Buffer.from(bytes.subarray(0, 4096));
  odd.writeUInt32LE(9, 4);
  await expect(headOf(odd)).rejects.toThrow('version 9');
});
