import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readGguf, type StoredTensor } from '../../models/gguf/read-gguf.ts';
import { type Tensor, writeGguf } from '../../models/gguf/write-gguf.ts';
import { decodeQ8 } from './decode-q8.ts';

const SHIPPED = 'models/tickets/tickets-q8_0.gguf';
const folder = mkdtempSync(join(tmpdir(), 'boatload-gguf-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the shipped model, read into numbers and written again, is the same file', () => {
  const { metadata, tensors } = readGguf(SHIPPED);
  const copy = join(folder, 'copy.gguf');
  const bytes = writeGguf(copy, { metadata, tensors: tensors.map(toNumbers) });
  expect(bytes).toBe(readFileSync(SHIPPED).length);
  expect(readFileSync(copy).equals(readFileSync(SHIPPED))).toBe(true);
});

const toNumbers = ({ name, dimensions, type, bytes }: StoredTensor): Tensor => ({
  name,
  dimensions,
  type,
  values: () => (type === 'q8_0' ? decodeQ8(bytes) : new Float32Array(new Uint8Array(bytes).buffer)),
});

test('a tensor whose numbers do not fit its dimensions is refused by name', () => {
  const tensor: Tensor = { name: 'short', dimensions: [32, 2], type: 'f16', values: () => new Float32Array(32) };
  expect(() => writeGguf(join(folder, 'short.gguf'), { metadata: {}, tensors: [tensor] })).toThrow(/short has 64 bytes.*128/);
});
