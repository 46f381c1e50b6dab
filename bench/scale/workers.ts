/** Simulated workers in one process: leases and commits as real workers do them, over the real code; only the engine is time alone. Told by `scale.ts`. */
import { setTimeout as delay } from 'node:timers/promises';
import { makeLeaseDesk } from '../../src/actions/lease-desk.ts';
import { messageOf } from '../../src/base/message-of.ts';
import { openStore } from '../../src/db/open-store.ts';
import type { Leases, ShardLease } from '../../src/jobs/leases.ts';
import type { Kind, Measured, Phase } from './plan.ts';

const COMMIT_SECONDS = 2;
const KEEP_MS = 3_000;
const WAIT_MS = 20_000;

const phase = JSON.parse(process.argv[2] ?? '{}') as Phase; // of scale.ts
const store = await openStore({ url: phase.url, tables: 'expect' });
const over = new AbortController();
const latencies: Record<Kind, number[]> = { take: [], keep: [], commit: [], settle: [] };
/** Nothing of this should happen. */
const trouble = { lost: 0, refused: 0, failed: 0 };
let firstFailure = '';

function fail(cause: unknown): void {
  trouble.failed += 1;
  firstFailure ||= messageOf(cause);
}

async function measure<Answer>(kind: Kind, call: () => Promise<Answer>): Promise<Answer> {
  const since = performance.now();
  const answer = await call();
  latencies[kind].push(performance.now() - since);
  return answer;
}

async function runShard(leases: Leases, lease: ShardLease, onSettle: () => void): Promise<void> {
  const parts = Math.max(1, Math.ceil(phase.shardSeconds / COMMIT_SECONDS));
  const rowsOfPart = Math.ceil(lease.count / parts);
  // Of a shard that another phase broke off, a first part is done already.
  for (let first = lease.done.at(-1)?.[1] ?? lease.first; first < lease.first + lease.count; first += rowsOfPart) {
    await delay((phase.shardSeconds * 1_000) / parts, undefined, { signal: over.signal });
    const end = Math.min(first + rowsOfPart, lease.first + lease.count);
    const [accepted] = await measure('commit', () => leases.commit([claimOf(lease, first, end)]));
    if (accepted !== true) trouble.refused += 1;
  }
  onSettle();
  await measure('settle', () => leases.settle(lease));
}

const claimOf = ({ jobUid, shard, epoch }: ShardLease, first: number, end: number) => ({
  ...{ jobUid, shard, epoch, objectKey: `parts/${jobUid}/${first}`, rows: [[first, end]] as const, failedRows: [] },
  ...{ ok: end - first, failed: 0, inputTokens: 100, outputTokens: 100, cachedTokens: 0, bytes: 100_000 },
});

async function work(leases: Leases): Promise<void> {
  // Workers don't begin in the same instant.
  await delay(Math.random() * Math.min(phase.shardSeconds, 3) * 1_000);
  while (!over.signal.aborted) {
    const patience = { maxMs: WAIT_MS, signal: over.signal };
    const since = performance.now();
    const [lease] = await leases.take(1, patience).catch((cause: unknown) => {
      fail(cause);
      return [];
    });
    if (lease === undefined) continue;
    latencies.take.push(performance.now() - since);
    let settling = false;
    const heartbeat = setInterval(() => {
      // One that is overtaken by the end of its shard finds no lease, and nothing is lost by that.
      measure('keep', () => leases.keep([lease])).then((gone) => {
        if (!settling) trouble.lost += gone.length;
      }, fail);
    }, KEEP_MS);
    await runShard(leases, lease, () => {
      settling = true;
    })
      .catch((cause: unknown) => {
        if (!over.signal.aborted) fail(cause);
      })
      .finally(() => clearInterval(heartbeat));
  }
}

// As an API process does for its workers.
const leases = makeLeaseDesk(store.leases, over.signal);
const before = process.cpuUsage();
const all = Array.from({ length: phase.workers }, () => work(leases));
process.send?.('begun');
await delay(phase.seconds * 1_000);
const { user, system } = process.cpuUsage(before);
over.abort();
await Promise.all(all);
process.send?.({ latencies, cpuSeconds: (user + system) / 1e6, trouble, firstFailure } satisfies Measured);
await store.close();
process.disconnect();
