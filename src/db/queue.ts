/** The queue on pg-boss, in the same database as the tables. The only file that knows pg-boss, besides who supervises it; it needs eight calls of it. */
import { fromKysely, type JobAttempt, PgBoss, type QueueResult } from 'pg-boss';
import { followClock } from './follow-clock.ts';
import { type Call, callTasks, isAnyWaiting } from './queries/call-tasks.ts';
import { lineUp, PLANS } from './queries/line-up.ts';
import { type Db, type NewTask, type Queue, TASK_KINDS, type Task, type TaskKind, type Tx } from './store.ts';
import { supervise } from './supervise.ts';
import { WakeUp } from './wake-up.ts';

type BossOptions = ConstructorParameters<typeof PgBoss>[0];

/** Tasks of a process that died come back after this time and at most one supervision round more; 10 s is pg-boss's minimum. */
const HEARTBEAT_SECONDS = 10;

/** How often that is looked for. Alone, tasks of the dead are released at the start, and every round costs 0.1 s of our own thread. */
const SUPERVISE_SECONDS = { shared: 1, alone: 30 } as const;

/** Chores of pg-boss for what we don't use. */
const SELDOM_SECONDS = 3_600;

const QUEUE_OPTIONS = {
  heartbeatSeconds: HEARTBEAT_SECONDS,
  // A task is tried until our tables say that it is not needed any more.
  retryLimit: 2_147_483_647,
  retryDelay: 0,
  retryBackoff: false,
  // The longest that pg-boss knows: the heartbeat tells the dead from the busy.
  expireInSeconds: 86_399,
  retentionSeconds: 10 * 365 * 86_400,
  deleteAfterSeconds: 300,
} as const;

const OPTION_NAMES = Object.keys(QUEUE_OPTIONS) as (keyof typeof QUEUE_OPTIONS)[]; // the keys of the record above

const CHANNEL = 'boatload_task';

export interface OpenQueue extends Queue {
  close(): Promise<void>;
}

export interface QueueOptions {
  /** How pg-boss reaches the database. */
  readonly connection: Exclude<BossOptions, string>;
  /** The same database, for transactions of the queue's own. */
  readonly db: Db;
  /** True when nobody else can have tasks: those that are out belong to a process that is dead. */
  readonly alone: boolean;
  /** What goes wrong in the background. */
  readonly onError: (cause: unknown) => void;
}

/** Opens the queue, and makes its tables when they are not there yet. */
export async function openQueue({ connection, db, alone, onError }: QueueOptions): Promise<OpenQueue> {
  const everySeconds = alone ? SUPERVISE_SECONDS.alone : SUPERVISE_SECONDS.shared;
  const boss = new PgBoss({
    ...connection,
    schedule: false,
    registerInstance: false,
    supervise: false,
    superviseIntervalSeconds: everySeconds,
    monitorIntervalSeconds: everySeconds,
    flowIntervalSeconds: SELDOM_SECONDS,
    bamIntervalSeconds: SELDOM_SECONDS,
    openTelemetry: { enabled: false },
  });
  boss.on('error', onError);
  await boss.start();
  await createQueues(boss);
  if (alone) await releaseOrphans(boss);
  const endSupervision = supervise({ boss, everySeconds, onError });
  // A server's database goes by a clock of its own, which is its keepers' affair.
  const leaveClock = alone ? followClock(() => void goByNewClock(boss).then(() => ringForAll(wakeUp), onError)) : undefined;
  const wakeUp = new WakeUp(TASK_KINDS);
  const bell = await boss.getDb().listen?.(
    CHANNEL,
    (kind) => ringFor(wakeUp, kind),
    () => ringForAll(wakeUp),
  );
  return {
    ...makeQueue({ boss, db, wakeUp }),
    async close() {
      leaveClock?.();
      endSupervision();
      await bell?.close();
      await boss.stop({ graceful: false });
    },
  };
}

const ringFor = (wakeUp: WakeUp, payload: string): void => {
  for (const kind of TASK_KINDS) if (kind === payload) wakeUp.ring(kind);
};

const ringForAll = (wakeUp: WakeUp): void => {
  for (const kind of TASK_KINDS) wakeUp.ring(kind);
};

type TakenJob = Awaited<ReturnType<typeof PgBoss.prototype.fetch<NewTask>>>[number];

interface QueueParts {
  readonly boss: PgBoss;
  readonly db: Db;
  readonly wakeUp: WakeUp;
}

function makeQueue({ boss, db, wakeUp }: QueueParts): Queue {
  const own = boss.getDb();
  const through = (tx: Tx | undefined) => (tx === undefined ? own : fromKysely(tx.withoutPlugins()));
  /** Heard when the transaction commits, here and in every other process. */
  const notify = (kind: TaskKind, tx?: Tx): Promise<unknown> =>
    through(tx).executeSql('select pg_notify($1, $2)', [CHANNEL, kind]);

  /** What has come back to the queue, without the models that are not wanted at all. */
  const fetch = ({ max, without }: Omit<Call, 'kind'>, kind: TaskKind, tx?: Tx): Promise<readonly TakenJob[]> => {
    const away = without.flatMap(({ model, accountId }) => (accountId === undefined ? [model] : []));
    return boss.fetch<NewTask>(kind, { batchSize: max, ignoreGroups: away, db: through(tx) });
  };

  /** Out of the line into the queue, and out of the queue into the taker's hands: at no instant is a task in neither. */
  const call = async ({ kind, max, without }: Call): Promise<readonly TakenJob[]> => {
    if (max === 0 || !(await isAnyWaiting(db, kind))) return [];
    return db.transaction().execute(async (tx) => {
      const called = await callTasks(tx, { kind, max, without });
      if (called.length === 0) return [];
      const jobs = called.map(({ lane, ...data }) => ({ data, group: { id: lane } }));
      await boss.insert(kind, jobs, { db: through(tx) });
      // What has come back a moment ago is older: with room for the called alone it would leave some of them here, where nobody rings for them.
      return fetch({ max, without }, kind, tx);
    });
  };

  return {
    async add(kind, tasks, { tx } = {}) {
      if (tasks.length === 0) return;
      await boss.insert(
        kind,
        tasks.map((data) => ({ data })),
        { db: through(tx) },
      );
      await notify(kind, tx);
    },
    async lineUp(tx, waiting) {
      await lineUp(tx, waiting);
      for (const kind of new Set(waiting.map(({ lane }) => (lane === PLANS ? 'plan' : 'shard')))) await notify(kind, tx);
    },
    async take(kind, max, { without = [] } = {}) {
      wakeUp.beginTake(kind);
      const back = await fetch({ max, without }, kind);
      const called = kind === 'merge' ? [] : await call({ kind, max: max - back.length, without });
      const jobs = [...back, ...called];
      if (jobs.length === max) wakeUp.ring(kind);
      return jobs.map(({ data, id, retryCount }) => ({ ...data, kind, ticket: toTicket({ id, retryCount }) }));
    },
    async keep(tasks) {
      const byKind = Map.groupBy(tasks, ({ kind }) => kind);
      return (await Promise.all(Array.from(byKind, ([kind, held]) => touch(boss, kind, held)))).flat();
    },
    async settle({ kind, ticket }, { tx } = {}) {
      return settledIds(await boss.complete(kind, toAttempt(ticket), null, { db: through(tx) })).size > 0;
    },
    async settleAll(tasks, { tx }) {
      for (const [kind, ended] of Map.groupBy(tasks, (task) => task.kind)) {
        const attempts = ended.map(({ ticket }) => toAttempt(ticket));
        await boss.complete(kind, attempts, null, { db: through(tx) });
      }
    },
    async giveBack({ kind, ticket }, { afterMs = 0 } = {}) {
      const attempt = toAttempt(ticket);
      await db.transaction().execute(async (tx) => {
        const ours = settledIds(await boss.fail(kind, attempt, null, { db: through(tx) })).size > 0;
        if (!ours) return;
        if (afterMs > 0) await boss.update(kind, undefined, { id: attempt.id, startAfter: afterMs / 1000, db: through(tx) });
        else await notify(kind, tx);
      });
    },
    async isHeld(kind, jobUid) {
      const active = `select 1 from pgboss.job where name = $1 and state = 'active' and data->>'jobUid' = $2 limit 1`;
      return (await own.executeSql(active, [kind, jobUid])).rows.length > 0;
    },
    waitForWork: (kinds, maxMs, signal) => wakeUp.wait(kinds, maxMs, signal),
  };
}

/** Makes the queues, or gives them the options of this version. */
async function createQueues(boss: PgBoss): Promise<void> {
  const known = new Map((await boss.getQueues([...TASK_KINDS])).map((queue) => [queue.name, queue]));
  for (const kind of TASK_KINDS) {
    const queue = known.get(kind);
    if (queue === undefined) await boss.createQueue(kind, QUEUE_OPTIONS);
    else if (!hasOptions(queue)) await boss.updateQueue(kind, QUEUE_OPTIONS);
  }
}

const hasOptions = (queue: QueueResult): boolean => OPTION_NAMES.every((name) => queue[name] === QUEUE_OPTIONS[name]);

/**
 * As `fail` leaves them; and who waits for a time waits no more: the clock may have been set back meanwhile, by hours. In one plain statement, as whoever
 * restarts after a crash waits for it: pg-boss's own is planned for a fifth of a second in a cold embedded database.
 */
async function releaseOrphans(boss: PgBoss): Promise<void> {
  await boss.getDb().executeSql(`
    update pgboss.job set state = 'retry', start_after = pgboss.job_now(), heartbeat_on = null
    where state = 'active' or (state in ('created', 'retry') and start_after > pgboss.job_now())
  `);
}

/** Set back, the clock would let waiting tasks wait until it is where it was; set forward, it would take busy ones for dead. */
async function goByNewClock(boss: PgBoss): Promise<void> {
  await boss.getDb().executeSql(`
    update pgboss.job set
      start_after = least(start_after, pgboss.job_now()),
      heartbeat_on = case when state = 'active' then pgboss.job_now() end
    where state in ('created', 'retry', 'active')
  `);
}

async function touch(boss: PgBoss, kind: TaskKind, tasks: readonly Task[]): Promise<readonly Task[]> {
  const attempts = tasks.map(({ ticket }) => toAttempt(ticket));
  const kept = settledIds(await boss.touch(kind, attempts));
  // The answer names tasks, not attempts: of several attempts at one, only the newest can be ours.
  const newest = new Map<string, number>();
  for (const { id, retryCount } of attempts) newest.set(id, Math.max(retryCount, newest.get(id) ?? 0));
  return tasks.filter((_, place) => {
    const attempt = attempts[place];
    return attempt === undefined || !kept.has(attempt.id) || attempt.retryCount !== newest.get(attempt.id);
  });
}

/** pg-boss answers which of the tasks were still ours; its types keep that to themselves. */
const settledIds = (response: object): ReadonlySet<string> =>
  new Set((response as { readonly settled: readonly string[] }).settled);

const toTicket = ({ id, retryCount }: JobAttempt): string => `${id}/${retryCount}`;

function toAttempt(ticket: string): JobAttempt {
  const [id = '', retryCount = ''] = ticket.split('/');
  return { id, retryCount: Number(retryCount) };
}
