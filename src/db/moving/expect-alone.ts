import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { Problem } from '../../base/problem.ts';
import type { Db } from '../store.ts';

/** What our connections and the queue's call themselves. */
const NAMES = ['boatload', 'pgboss'] as const;

/** The server takes a moment to notice that a process has ended. */
const LOOKS = 20;
const LOOK_EVERY_MS = 100;

/** Refuses a database that other processes of ours are connected to. To be called before this one has more than one connection. */
export async function expectAlone(db: Db): Promise<void> {
  for (let look = 1; ; look++) {
    const connections = await countOthers(db);
    if (connections === 0) return;
    if (look === LOOKS) throw inUse(connections);
    await delay(LOOK_EVERY_MS);
  }
}

async function countOthers(db: Db): Promise<number> {
  const { rows } = await sql<{ readonly connections: number }>`
    select count(*)::int as connections from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and application_name in (${sql.join(NAMES)})
  `.execute(db);
  return rows[0]?.connections ?? 0;
}

const inUse = (connections: number): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `Processes of Boatload are connected to this database (${connections} connections). Stop every boatload serve and worker first: what they do meanwhile would be lost.`,
    { reason: 'DATABASE_IN_USE', details: { connections } },
  );
