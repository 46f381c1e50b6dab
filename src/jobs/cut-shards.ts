import { sharedSteps } from './order-rows.ts';
import type { RowIndex } from './row-index.ts';

/** A contiguous run of planned positions that are leased together. All its rows run on one model. */
export interface Shard {
  readonly first: number;
  readonly count: number;
  /** The number of its rows' model. */
  readonly model: number;
  /** Bytes of its rows' lines. */
  readonly bytes: number;
}

export interface ShardLimits {
  readonly maxRows: number;
  /** A row that is larger alone makes a shard of its own. */
  readonly maxBytes: number;
}

/**
 * Cuts the plan into shards that are as long as the limits allow, or down to half of that when this keeps rows with a common prefix together:
 * the cut falls where neighbours share least. Where the model changes, a shard ends.
 */
export function cutShards(index: RowIndex, order: Uint32Array, limits: ShardLimits): Shard[] {
  const shards: Shard[] = [];
  for (let first = 0; first < order.length; ) {
    const end = bestCut(index, order, { first, end: furthestEnd(index, order, { first, limits }) });
    const model = index.model[order[first] ?? 0] ?? 0;
    shards.push({ first, count: end - first, model, bytes: bytesOf(index, order.subarray(first, end)) });
    first = end;
  }
  return shards;
}

function furthestEnd(
  { length, model }: RowIndex,
  order: Uint32Array,
  { first, limits }: { readonly first: number; readonly limits: ShardLimits },
): number {
  const lastEnd = Math.min(order.length, first + Math.max(1, limits.maxRows));
  let bytes = length[order[first] ?? 0] ?? 0;
  for (let end = first + 1; end < lastEnd; end++) {
    const row = order[end] ?? 0;
    bytes += length[row] ?? 0;
    if (bytes > limits.maxBytes || model[row] !== model[order[first] ?? 0]) return end;
  }
  return lastEnd;
}

/** Of the ends in the second half, the one at which neighbours share least; the latest of several. */
function bestCut(index: RowIndex, order: Uint32Array, { first, end }: { readonly first: number; readonly end: number }): number {
  if (end === order.length || index.model[order[end - 1] ?? 0] !== index.model[order[end] ?? 0]) return end;
  const earliest = first + Math.ceil((end - first) / 2);
  let best = end;
  let leastShared = Number.POSITIVE_INFINITY;
  for (let cut = end; cut >= earliest && leastShared > 0; cut--) {
    const shared = sharedSteps(index, order[cut - 1] ?? 0, order[cut] ?? 0);
    if (shared < leastShared) {
      leastShared = shared;
      best = cut;
    }
  }
  return best;
}

const bytesOf = ({ length }: RowIndex, rows: Uint32Array): number => rows.reduce((sum, row) => sum + (length[row] ?? 0), 0);
