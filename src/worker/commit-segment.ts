import { crashPoint } from '../base/crash-point.ts';
import type { Leases, PartClaim } from '../jobs/leases.ts';
import { partKey } from '../jobs/object-keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Segment } from './journal.ts';

export interface CommitResult {
  readonly accepted: readonly PartClaim[];
  /** Claims whose lease somebody else holds by now, or whose rows were committed before. */
  readonly refused: readonly PartClaim[];
}

/**
 * Makes a segment's rows true: first the object, then the one statement that claims them. Safe to repeat: the key comes from the
 * segment's id, and rows that are done already are refused.
 */
export async function commitSegment(
  { objects, leases }: { readonly objects: ObjectStore; readonly leases: Leases },
  { jobUid, id, tally, bytes }: Segment,
): Promise<CommitResult> {
  const key = partKey(jobUid, id);
  const claims = tally.claims(jobUid, key);
  crashPoint('part.before-put');
  await objects.put(key, bytes);
  crashPoint('part.after-put');
  const verdicts = await leases.commit(claims);
  crashPoint('commit.after');
  return {
    accepted: claims.filter((_, index) => verdicts[index] === true),
    refused: claims.filter((_, index) => verdicts[index] !== true),
  };
}
