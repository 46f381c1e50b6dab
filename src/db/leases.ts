/** Leases straight on the database: the queue says whose turn it is, the shard's epoch says who may write. */
import type { Leases, ShardLease } from '../jobs/leases.ts';
import { parseRanges } from '../jobs/ranges.ts';
import { commitParts } from './queries/commit-parts.ts';
import { settleShard } from './queries/settle-shard.ts';
import { takeShards } from './queries/take-shards.ts';
import type { Db, Queue, Task } from './store.ts';

type ShardTask = Task & { readonly shard: number };

export function makeLeases(db: Db, queue: Queue): Leases {
  return {
    take: (max) => takeLeases(db, queue, max),
    async keep(leases) {
      const lost = new Set((await queue.keep(leases.map(toTask))).map(({ ticket }) => ticket));
      return leases.filter(({ ticket }) => lost.has(ticket));
    },
    commit: async (claims) => (claims.length === 0 ? [] : commitParts(db, claims)),
    settle: (lease) =>
      db.transaction().execute(async (tx) => {
        await settleShard(tx, queue, lease);
        await queue.settle(toTask(lease), { tx });
      }),
    giveBack: (lease) => queue.giveBack(toTask(lease)),
    waitForWork: (maxMs, signal) => queue.waitForWork(['shard'], maxMs, signal),
  };
}

/** Tasks of shards that need no run any more, as their job has ended or is gone, leave the queue here. */
async function takeLeases(db: Db, queue: Queue, max: number): Promise<readonly ShardLease[]> {
  const tasks = (await queue.take('shard', max)).filter(isShardTask);
  if (tasks.length === 0) return [];
  const taken = new Map((await takeShards(db, tasks.map(toWanted))).map((shard) => [toKey(shard), shard]));
  const leases: ShardLease[] = [];
  for (const task of tasks) {
    const shard = taken.get(toKey(task));
    if (shard === undefined) await queue.settle(task);
    else leases.push({ ...shard, ticket: task.ticket, done: parseRanges(shard.done) });
  }
  return leases;
}

const isShardTask = (task: Task): task is ShardTask => task.shard !== undefined;
const toWanted = ({ jobUid, shard }: ShardTask) => ({ jobUid, shard });
const toTask = ({ ticket, jobUid, shard }: ShardLease): Task => ({ kind: 'shard', ticket, jobUid, shard });
const toKey = ({ jobUid, shard }: Pick<ShardLease, 'jobUid' | 'shard'>): string => `${jobUid}/${shard}`;
