import { sql } from 'kysely';
import type { ShardsOf } from '../../jobs/leases.ts';
import type { JobState } from '../../jobs/states.ts';
import { makeTurns, type Turn } from '../../jobs/turns.ts';
import type { Db, NewTask, TaskKind, Tx } from '../store.ts';
import { PLANS } from './line-up.ts';

/** Which tasks are wanted. */
export interface Call {
  readonly kind: Exclude<TaskKind, 'merge'>;
  readonly max: number;
  readonly without: readonly ShardsOf[];
}

export interface CalledTask extends NewTask {
  readonly lane: string;
}

const CALLABLE: Readonly<Record<Call['kind'], readonly JobState[]>> = { plan: ['VALIDATING'], shard: ['PENDING', 'RUNNING'] };

/** One who calls at a time: each must see what the one before has given to whom. Held to the end of the transaction, so a pooler may be in between. */
const ONE_AT_A_TIME = '3853314791062309108';

/** Whether anything waits at all: cheap to ask, and most of the time the answer is no. */
export async function isAnyWaiting(db: Db, kind: Call['kind']): Promise<boolean> {
  const { rows } = await sql`select 1 from waiting where (lane = ${PLANS}) = ${kind === 'plan'} limit 1`.execute(db);
  return rows.length > 0;
}

/**
 * Takes up to `max` tasks out of the line, those whose turn it is: between accounts by their tallies, within one by when they are due. As many statements for
 * a thousand as for one, as everybody else waits meanwhile.
 */
export async function callTasks(tx: Tx, call: Call): Promise<readonly CalledTask[]> {
  await sql`select pg_advisory_xact_lock(${ONE_AT_A_TIME}::bigint)`.execute(tx);
  const waiting = await listTurns(tx, call);
  if (waiting.length === 0) return [];
  const turns = makeTurns(waiting);
  const fronts = Map.groupBy(await listFronts(tx, call, waiting), keyOf);
  const given = new Map<string, Turn>();
  const changed = new Set<Front>();
  const called: CalledTask[] = [];
  for (let turn = turns.next(); turn !== undefined && called.length < call.max; turn = turns.next()) {
    const front = firstDue(fronts.get(keyOf(turn)) ?? []);
    if (front === undefined) {
      turns.leave(turn);
      continue;
    }
    const { jobUid, lane, next } = front;
    called.push({ jobUid, lane, ...(call.kind === 'shard' && { shard: next }) });
    given.set(keyOf(turn), turns.give(turn, front.rows));
    front.next += 1;
    front.dueMs += front.stepMs;
    changed.add(front);
  }
  await moveOn(tx, [...changed]);
  await saveTurns(tx, [...given.values()]);
  return called;
}

const keyOf = ({ lane, accountId }: Pick<Turn, 'lane' | 'accountId'>): string => `${lane} ${accountId}`;

const firstDue = (fronts: readonly Front[]): Front | undefined =>
  fronts.reduce<Front | undefined>(
    (best, front) => (front.next > front.last || (best !== undefined && best.dueMs <= front.dueMs) ? best : front),
    undefined,
  );

/** Of those who have something that may run and is wanted. */
async function listTurns(tx: Tx, { kind, without }: Call): Promise<readonly Turn[]> {
  const { rows } = await sql<Turn>`
    select lane, account_id, started, ended, lane_stands
      from (select *, max(started) over (partition by lane) as lane_stands from turn where (lane = ${PLANS}) = ${kind === 'plan'}) turn
     where not exists (
             select 1 from jsonb_to_recordset(${JSON.stringify(without)}::jsonb) as unwanted (model text, "accountId" text)
              where unwanted.model = turn.lane and coalesce(unwanted."accountId", turn.account_id) = turn.account_id)
       and exists (
             select 1 from waiting join job on job.uid = waiting.job_uid
              where waiting.lane = turn.lane and waiting.account_id = turn.account_id and job.state = any (${CALLABLE[kind]}::text[]))
  `.execute(tx);
  return rows;
}

/** The first of what waits of one job in one lane; moves on as tasks are called. */
interface Front {
  readonly jobUid: string;
  readonly lane: string;
  readonly accountId: string;
  next: number;
  readonly last: number;
  dueMs: number;
  readonly stepMs: number;
  /** What a task of it costs: the rows of its next shard; a plan is one. */
  readonly rows: number;
}

/** Of each turn as many as could be called. */
async function listFronts(tx: Tx, { kind, max }: Call, turns: readonly Turn[]): Promise<readonly Front[]> {
  const pairs = JSON.stringify(turns.map(({ lane, accountId }) => ({ lane, accountId })));
  const { rows } = await sql<Front>`
    select front.job_uid, turn.lane, turn."accountId" as account_id, front.next, front.last, front.step_ms,
           extract(epoch from front.due)::float8 * 1000 as due_ms, coalesce(shard.count, 1) as rows
      from jsonb_to_recordset(${pairs}::jsonb) as turn (lane text, "accountId" text)
     cross join lateral (
             select waiting.* from waiting join job on job.uid = waiting.job_uid
              where waiting.lane = turn.lane and waiting.account_id = turn."accountId" and job.state = any (${CALLABLE[kind]}::text[])
              order by waiting.due limit ${max}) front
      left join shard on shard.job_uid = front.job_uid and shard.index = front.next
  `.execute(tx);
  return rows;
}

async function moveOn(tx: Tx, fronts: readonly Front[]): Promise<void> {
  const of = (list: readonly Front[]) =>
    JSON.stringify(list.map(({ jobUid, lane, next, dueMs }) => ({ jobUid, lane, next, dueMs })));
  const [over, moved] = [fronts.filter(({ next, last }) => next > last), fronts.filter(({ next, last }) => next <= last)];
  if (over.length > 0)
    await sql`
      delete from waiting using jsonb_to_recordset(${of(over)}::jsonb) as front ("jobUid" uuid, lane text)
       where waiting.job_uid = front."jobUid" and waiting.lane = front.lane
    `.execute(tx);
  if (moved.length > 0)
    await sql`
      update waiting set next = front.next, due = to_timestamp(front."dueMs" / 1000)
        from jsonb_to_recordset(${of(moved)}::jsonb) as front ("jobUid" uuid, lane text, next int, "dueMs" float8)
       where waiting.job_uid = front."jobUid" and waiting.lane = front.lane
    `.execute(tx);
}

async function saveTurns(tx: Tx, turns: readonly Turn[]): Promise<void> {
  if (turns.length === 0) return;
  await sql`
    update turn set started = given.started, ended = given.ended
      from jsonb_to_recordset(${JSON.stringify(turns)}::jsonb) as given (lane text, "accountId" text, started float8, ended float8)
     where turn.lane = given.lane and turn.account_id = given."accountId"
  `.execute(tx);
}
