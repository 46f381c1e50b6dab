/** A shard's rows on a real disk, in the order in which engines ask for them. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ShardLease } from '../../src/jobs/leases.ts';
import { encodePlan } from '../../src/jobs/plan-file.ts';
import { openDiskStore } from '../../src/storage/disk.ts';
import { Input } from '../../src/worker/input.ts';
import { openShardRows } from '../../src/worker/shard-rows.ts';
import { makeIndex } from '../jobs/make-index.ts';
import { makeFolder } from '../support/folder.ts';

const ROWS = 700;
const lineOf = (row: number): string => `{"custom_id":"row-${row}"}`;

const LEASE: ShardLease = {
  ticket: 't/0',
  jobUid: 'job',
  accountId: 'acme',
  shard: 0,
  first: 50,
  count: 600,
  model: 'm',
  epoch: 1,
  done: [[60, 70]],
};

/** An input of so many rows, planned from its last row to its first. */
async function openSource() {
  const objects = await openDiskStore(join(await makeFolder(), 'objects'));
  const lines = Array.from({ length: ROWS }, (_, row) => `${lineOf(row)}\n`);
  const bytes = Buffer.from(lines.join(''));
  let offset = 0;
  const index = makeIndex(
    lines.map((line) => {
      const placed = { offset, length: line.length - 1 };
      offset += line.length;
      return placed;
    }),
  );
  await objects.put('input', bytes);
  await objects.put('plan', Buffer.concat([...encodePlan(index, Uint32Array.from(lines.keys()).reverse())]));
  const input = new Input(objects, [{ name: 'in.jsonl', bytes: bytes.length, objectKey: 'input' }]);
  return { objects, source: { objects, planKey: 'plan', input } };
}

test("a shard's rows come in the order of the plan without those that are done, whoever asks for which first", async () => {
  const { source } = await openSource();
  const rows = await openShardRows(source, LEASE);
  const positions = Array.from({ length: 600 }, (_, at) => 50 + at).filter((position) => position < 60 || position >= 70);
  expect(rows).toHaveLength(positions.length);
  const places = [...rows.keys()];
  const asked = [...places.filter((place) => place % 2 === 1).toReversed(), ...places.filter((place) => place % 2 === 0)];
  for (const place of asked) {
    const { position, row, line } = (await rows[place]?.read()) ?? never();
    expect({ position, row, line: line.toString() }).toEqual({
      position: positions[place],
      row: ROWS - 1 - position,
      line: lineOf(ROWS - 1 - position),
    });
  }
});

test('rows that can not be read any more say so, those that were read already are there', async () => {
  const { objects, source } = await openSource();
  const rows = await openShardRows(source, LEASE);
  await objects.delete(['input']);
  expect((await rows[0]?.read())?.position).toBe(50);
  await expect(rows.at(-1)?.read()).rejects.toThrow();
});

const never = (): never => {
  throw new Error('there are rows');
};
