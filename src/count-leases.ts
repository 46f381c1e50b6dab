/** Leases as they are, counted: what a process holds, committed, lost. */
import type { Leases, PartClaim, ShardLease } from './jobs/leases.ts';

/** Since the start of the process. */
export interface LeaseCounts {
  taken: number;
  /** Taken over by somebody else, or not kept in time. */
  lost: number;
  /** Parts that became true, and that were refused. */
  accepted: number;
  refused: number;
  /** Rows of accepted parts. */
  ok: number;
  failed: number;
  /** Tokens of accepted parts. */
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  /** In hand now, by ticket. */
  readonly held: ReadonlyMap<string, ShardLease>;
}

/** The same leases, and what goes through them from now on. */
export function countLeases(leases: Leases): { readonly leases: Leases; readonly counts: Readonly<LeaseCounts> } {
  const held = new Map<string, ShardLease>();
  const counts: LeaseCounts = { ...NOTHING, held };
  const counted: Leases = {
    async take(...given) {
      const taken = await leases.take(...given);
      for (const lease of taken) held.set(lease.ticket, lease);
      counts.taken += taken.length;
      return taken;
    },
    async keep(kept) {
      const lost = await leases.keep(kept);
      for (const { ticket } of lost) counts.lost += held.delete(ticket) ? 1 : 0;
      return lost;
    },
    async commit(claims) {
      const verdicts = await leases.commit(claims);
      for (const [index, claim] of claims.entries()) addClaim(counts, claim, verdicts[index] === true);
      return verdicts;
    },
    async settle(lease) {
      held.delete(lease.ticket);
      await leases.settle(lease);
    },
    async giveBack(lease, options) {
      held.delete(lease.ticket);
      await leases.giveBack(lease, options);
    },
  };
  return { leases: counted, counts };
}

const NOTHING = {
  taken: 0,
  lost: 0,
  accepted: 0,
  refused: 0,
  ok: 0,
  failed: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedTokens: 0,
};

function addClaim(counts: LeaseCounts, claim: PartClaim, isAccepted: boolean): void {
  counts[isAccepted ? 'accepted' : 'refused'] += 1;
  if (!isAccepted) return;
  for (const field of ['ok', 'failed', 'inputTokens', 'outputTokens', 'cachedTokens'] as const) counts[field] += claim[field];
}
