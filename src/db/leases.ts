/** Leases straight on the database: the queue says whose turn it is, the shard's epoch says who may write. */
import type { Leases, Patience, ShardLease, ShardsOf } from '../jobs/leases.ts';
import { parseRanges } from '../jobs/ranges.ts';
import { commitParts } from './queries/commit-parts.ts';
import { listWaitingShards } from './queries/list-waiting-shards.ts';
import { settleShards } from './queries/settle-shards.ts';
import { takeShards } from './queries/take-shards.ts';
import type { Db, Queue, Task } from './store.ts';
import { together } from './together.ts';

type ShardTask = Task & { readonly shard: number };

/** How often the shards of a paused job look whether it was resumed. */
const PAUSED_MS = 3_000;

/** Nobody announces that a heartbeat is missing, or that a paused shard is due again: who waits looks this often. */
const LOOK_MS = 1_000;

export function makeLeases(db: Db, queue: Queue): Leases {
  // Whether they come from one worker or, through an API process, from many.
  const settleAll = together((leases: readonly ShardLease[]) =>
    db.transaction().execute(async (tx) => {
      const problems = await settleShards(tx, queue, leases);
      const ended = leases.filter((_, place) => problems[place] === undefined);
      await queue.settleAll(ended.map(toTask), { tx });
      return problems;
    }),
  );
  return {
    take: (max, patience, without = []) => takeOrWait(db, queue, { max, patience, without }),
    async keep(leases) {
      const lost = new Set((await queue.keep(leases.map(toTask))).map(({ ticket }) => ticket));
      return leases.filter(({ ticket }) => lost.has(ticket));
    },
    commit: async (claims) => (claims.length === 0 ? [] : commitParts(db, claims)),
    async settle(lease) {
      const [problem] = await settleAll([lease]);
      if (problem !== undefined) throw problem;
    },
    giveBack: (lease, options) => queue.giveBack(toTask(lease), options),
  };
}

interface Wanted {
  readonly max: number;
  readonly patience: Patience | undefined;
  readonly without: readonly ShardsOf[];
}

async function takeOrWait(db: Db, queue: Queue, { max, patience, without }: Wanted): Promise<readonly ShardLease[]> {
  const untilMs = performance.now() + (patience?.maxMs ?? 0);
  for (;;) {
    const leases = await takeLeases(db, queue, { max, without });
    const leftMs = untilMs - performance.now();
    if (leases.length > 0 || patience === undefined || patience.signal.aborted || leftMs <= 0) return leases;
    await queue.waitForWork(['shard'], Math.min(leftMs, LOOK_MS), patience.signal);
    if (patience.signal.aborted) return [];
  }
}

async function takeLeases(db: Db, queue: Queue, { max, without }: Omit<Wanted, 'patience'>): Promise<readonly ShardLease[]> {
  const tasks = inPlanOrder((await queue.take('shard', max, { without })).filter(isShardTask));
  if (tasks.length === 0) return [];
  const taken = new Map((await takeShards(db, tasks.map(toWanted))).map((shard) => [toKey(shard), shard]));
  await putAside(
    db,
    queue,
    tasks.filter((task) => !taken.has(toKey(task))),
  );
  return tasks.flatMap((task) => {
    const shard = taken.get(toKey(task));
    return shard === undefined ? [] : [{ ...shard, ticket: task.ticket, done: parseRanges(shard.done) }];
  });
}

/** Tasks that came into the queue together come out of it in any order. The jobs keep their places in the queue; each takes them with its first shards first. */
function inPlanOrder(tasks: readonly ShardTask[]): readonly ShardTask[] {
  const jobs = Map.groupBy(tasks, ({ jobUid }) => jobUid);
  for (const shards of jobs.values()) shards.sort((a, b) => a.shard - b.shard);
  return tasks.map((task) => jobs.get(task.jobUid)?.shift() ?? task);
}

/** Tasks of shards that can't run now: of a paused job they come back later; of one that has ended or is gone they leave the queue. */
async function putAside(db: Db, queue: Queue, tasks: readonly ShardTask[]): Promise<void> {
  const waiting = new Set((await listWaitingShards(db, tasks.map(toWanted))).map(toKey));
  for (const task of tasks) {
    if (waiting.has(toKey(task))) await queue.giveBack(task, { afterMs: PAUSED_MS });
    else await queue.settle(task);
  }
}

const isShardTask = (task: Task): task is ShardTask => task.shard !== undefined;
const toWanted = ({ jobUid, shard }: ShardTask) => ({ jobUid, shard });
const toTask = ({ ticket, jobUid, shard }: ShardLease): Task => ({ kind: 'shard', ticket, jobUid, shard });
const toKey = ({ jobUid, shard }: Pick<ShardLease, 'jobUid' | 'shard'>): string => `${jobUid}/${shard}`;
