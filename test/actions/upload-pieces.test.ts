import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Arrived, findArrived, keepPieces, namePieces, readPieces } from '../../src/actions/upload-pieces.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';

const MIB = 2 ** 20;
const PIECE = 64 * MIB;
const TOTAL = 70 * MIB;
let dir: string;
let objects: ObjectStore;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'boatload-pieces-'));
  objects = await openDiskStore(dir);
});
afterAll(() => rm(dir, { recursive: true }));

let time = 0;
const context = () => ({ objects, clock: { now: () => new Date(time++) } });
/** A block that says where it stands. */
const blockAt = (index: number) => Buffer.alloc(MIB, String(index));
async function* blocks(from: number, to: number): AsyncGenerator<Uint8Array> {
  for (let index = from; index < to; index += 1) yield blockAt(index);
}
const hashOf = async (bytes: AsyncIterable<Uint8Array>): Promise<string> => {
  const hash = createHash('sha256');
  for await (const block of bytes) hash.update(block);
  return hash.digest('hex');
};
const wholeHash = () => hashOf(blocks(0, TOTAL / MIB));
const sizesOf = ({ pieces }: Arrived) => pieces.map(({ bytes }) => bytes / MIB);

test('a process that dies in the middle of a long piece loses the last 64 MiB at most, and the next one goes on', async () => {
  const file = namePieces(['long']);
  const whole = Promise.withResolvers<void>();
  async function* hanging(): AsyncGenerator<Uint8Array> {
    yield* blocks(0, TOTAL / MIB);
    await whole.promise;
  }
  const stuck = keepPieces(context(), file, { start: 0, prefix: undefined, body: hanging() });
  await expect.poll(async () => (await findArrived(context(), file)).bytes, { timeout: 60_000 }).toBe(PIECE);
  // The first sender still hangs, as after a death, and comes to life again: it brings what is there, once more.
  const before = await findArrived(context(), file);
  await keepPieces(context(), file, { start: before.bytes, prefix: before.prefix, body: blocks(PIECE / MIB, TOTAL / MIB) });
  whole.resolve();
  await stuck;
  const arrived = await findArrived(context(), file);
  expect([arrived.bytes, sizesOf(arrived)]).toEqual([TOTAL, [64, 6]]);
  expect(await hashOf(readPieces(context(), arrived))).toBe(await wholeHash());
});

test('a file that is begun anew is not mixed with what an older sender still brings', async () => {
  const file = namePieces(['anew']);
  await keepPieces(context(), file, { start: 0, prefix: undefined, body: blocks(0, 2) });
  const { prefix } = await findArrived(context(), file);
  await keepPieces(context(), file, { start: 0, prefix: undefined, body: blocks(5, 6) });
  await keepPieces(context(), file, { start: 2 * MIB, prefix, body: blocks(2, 4) });
  const arrived = await findArrived(context(), file);
  expect(sizesOf(arrived)).toEqual([1]);
  expect(await hashOf(readPieces(context(), arrived))).toBe(await hashOf(blocks(5, 6)));
});

test('what comes after a gap does not count, and an empty body leaves nothing', async () => {
  const file = namePieces(['gap']);
  await keepPieces(context(), file, { start: 0, prefix: undefined, body: blocks(0, 0) });
  expect(await findArrived(context(), file)).toEqual({ pieces: [], bytes: 0, prefix: undefined });
  await keepPieces(context(), file, { start: 0, prefix: undefined, body: blocks(0, 1) });
  const { prefix } = await findArrived(context(), file);
  await keepPieces(context(), file, { start: 3 * MIB, prefix, body: blocks(3, 4) });
  expect((await findArrived(context(), file)).bytes).toBe(MIB);
});
