import { addUp } from './add-up.ts';
import type { Progress } from './job.ts';
import type { PartClaim } from './leases.ts';
import type { PartEntry } from './part-entries.ts';
import { toRanges } from './ranges.ts';

interface Sums {
  readonly shard: number;
  readonly epoch: number;
  readonly positions: number[];
  readonly failedPositions: number[];
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  bytes: number;
}

/** Adds up the entries of one part per lease: what its commit will claim. Keeps no result bytes. */
export class ClaimTally {
  readonly #byLease = new Map<string, Sums>();

  add(entry: PartEntry): void {
    const sums = this.#sumsOf(entry);
    sums.positions.push(entry.position);
    if (entry.kind === 'failure') sums.failedPositions.push(entry.position);
    sums.inputTokens += entry.inputTokens;
    sums.outputTokens += entry.outputTokens;
    sums.cachedTokens += entry.cachedTokens;
    sums.bytes += entry.line.length;
  }

  /** All that was added, whether its lease still counts or not. */
  get total(): Progress {
    return addUp(
      Array.from(this.#byLease.values(), ({ positions, failedPositions, ...sums }) => ({
        ...sums,
        ok: positions.length - failedPositions.length,
        failed: failedPositions.length,
      })),
    );
  }

  /** One claim per shard. When a shard was lost and leased again meanwhile, only its newest lease can still be true. */
  claims(jobUid: string, objectKey: string): readonly PartClaim[] {
    const newest = new Map<number, Sums>();
    for (const sums of this.#byLease.values()) {
      if ((newest.get(sums.shard)?.epoch ?? -1) < sums.epoch) newest.set(sums.shard, sums);
    }
    return [...newest.values()].map(({ positions, failedPositions, ...sums }) => ({
      ...sums,
      jobUid,
      objectKey,
      rows: toRanges(positions),
      failedRows: toRanges(failedPositions),
      ok: positions.length - failedPositions.length,
      failed: failedPositions.length,
    }));
  }

  #sumsOf({ shard, epoch }: PartEntry): Sums {
    const key = `${shard}/${epoch}`;
    const known = this.#byLease.get(key);
    if (known !== undefined) return known;
    const sums = { shard, epoch, positions: [], failedPositions: [], inputTokens: 0, outputTokens: 0, cachedTokens: 0, bytes: 0 };
    this.#byLease.set(key, sums);
    return sums;
  }
}
