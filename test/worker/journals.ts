/** Journals as a process that died leaves them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeId } from '../../src/base/ids.ts';
import type { ShardLease } from '../../src/jobs/leases.ts';
import { encodeEntry, type PartEntry } from '../../src/jobs/part-entries.ts';

/** What a row of a lease ended as. */
export const makeEntry = ({ shard, epoch }: ShardLease, position: number, changes: Partial<PartEntry> = {}): PartEntry => ({
  position,
  row: position,
  shard,
  epoch,
  kind: 'success',
  inputTokens: 10,
  outputTokens: 3,
  cachedTokens: 5,
  line: Buffer.from(`{"custom_id":"row-${position}","response":{"epoch":${epoch}}}\n`),
  ...changes,
});

/** Writes a segment of a journal; answers its path. */
export async function writeJournal(dir: string, jobUid: string, bytes: Uint8Array | readonly PartEntry[]): Promise<string> {
  await mkdir(join(dir, jobUid), { recursive: true });
  const path = join(dir, jobUid, `${makeId(20)}.journal`);
  await writeFile(path, bytes instanceof Uint8Array ? bytes : Buffer.concat(bytes.map(encodeEntry)));
  return path;
}
