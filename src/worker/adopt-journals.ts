/**
 * Commits what an earlier process finished and could not commit: rows that were paid for and are safe on this disk (P4).
 * Runs before any shard is leased, while the dead process's epochs are still the newest.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ClaimTally } from '../jobs/claim-tally.ts';
import type { Leases } from '../jobs/leases.ts';
import { decodeEntries } from '../jobs/read-entries.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { commitSegment } from './commit-segment.ts';

export interface Adoption {
  readonly rows: number;
  readonly segments: number;
}

/** Adopts every journal in the folder, then empties it. A row that somebody has committed since is left out, not doubled. */
export async function adoptJournals(
  dir: string,
  room: { readonly objects: ObjectStore; readonly leases: Leases },
): Promise<Adoption> {
  const adoptions = [];
  for (const jobUid of await namesIn(dir)) {
    for (const name of await namesIn(join(dir, jobUid)))
      adoptions.push(await adoptSegment(join(dir, jobUid, name), { jobUid, id: name.replace(/\.journal$/, '') }, room));
    await rm(join(dir, jobUid), { recursive: true });
  }
  return { rows: adoptions.reduce((sum, rows) => sum + rows, 0), segments: adoptions.length };
}

async function adoptSegment(
  path: string,
  { jobUid, id }: { readonly jobUid: string; readonly id: string },
  room: { readonly objects: ObjectStore; readonly leases: Leases },
): Promise<number> {
  const found = await readFile(path);
  // The last entry may be torn: it was being written when the process died.
  const { entries, validBytes } = decodeEntries(found);
  if (entries.length === 0) return 0;
  const tally = new ClaimTally();
  for (const entry of entries) tally.add(entry);
  const { accepted } = await commitSegment(room, { jobUid, id, tally, bytes: found.subarray(0, validBytes) });
  return accepted.reduce((sum, claim) => sum + claim.ok + claim.failed, 0);
}

const namesIn = async (dir: string): Promise<string[]> =>
  (
    await readdir(dir).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return [];
      throw cause;
    })
  ).toSorted();
