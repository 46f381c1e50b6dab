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

/** Takes up to `max` tasks out of the line, those whose turn it is: between accounts by their tallies, within one by when they are due. */
export async function callTasks(tx: Tx, call: Call): Promise<readonly CalledTask[]> {
  await sql`select pg_advisory_xact_lock(${ONE_AT_A_TIME}::bigint)`.execute(tx);
  const turns = makeTurns(await listTurns(tx, call));
  const called: CalledTask[] = [];
  const given = new Map<string, Turn>();
  while (called.length < call.max) {
    const turn = turns.next();
    if (turn === undefined) break;
    const task = await callFirst(tx, turn, call.kind);
    if (task === undefined) {
      turns.leave(turn);
      continue;
    }
    given.set(`${turn.lane} ${turn.accountId}`, turns.give(turn, task.rows));
    called.push({ jobUid: task.jobUid, lane: turn.lane, ...(call.kind === 'shard' && { shard: task.index }) });
  }
  for (const { lane, accountId, started, ended } of given.values())
    await tx.updateTable('turn').set({ started, ended }).where('lane', '=', lane).where('accountId', '=', accountId).execute();
  return called;
}

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

interface First {
  readonly jobUid: string;
  readonly index: number;
  /** What it costs; a plan is one. */
  readonly rows: number;
}

async function callFirst(tx: Tx, { lane, accountId }: Turn, kind: Call['kind']): Promise<First | undefined> {
  const { rows } = await sql<First>`
    with first as (
      select waiting.job_uid, waiting.next as index, waiting.last
        from waiting join job on job.uid = waiting.job_uid
       where waiting.lane = ${lane} and waiting.account_id = ${accountId} and job.state = any (${CALLABLE[kind]}::text[])
       order by waiting.due, waiting.job_uid limit 1
    ), moved as (
      update waiting set next = waiting.next + 1, due = waiting.due + waiting.step_ms * interval '1 millisecond'
        from first where waiting.job_uid = first.job_uid and waiting.lane = ${lane} and first.index < first.last
    ), over as (
      delete from waiting using first where waiting.job_uid = first.job_uid and waiting.lane = ${lane} and first.index = first.last
    )
    select first.job_uid, first.index, coalesce(shard.count, 1) as rows
      from first left join shard on shard.job_uid = first.job_uid and shard.index = first.index
  `.execute(tx);
  return rows[0];
}
