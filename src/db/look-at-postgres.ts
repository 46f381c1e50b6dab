/** Looks at a PostgreSQL server as a process would find it, and changes nothing. */
import { sql } from 'kysely';
import { expectTables, schemaOf } from './migrations/migrate.ts';
import { checkVersion, toDb } from './open-postgres.ts';
import { makePool } from './postgres-pool.ts';
import { listAllEngines } from './queries/list-all-engines.ts';
import type { Engine } from './schema.ts';
import type { Db } from './store.ts';

/** How it is. */
export interface PostgresFacts {
  readonly version: string;
  /** How far its clock is ahead of ours. */
  readonly clockAheadMs: number;
  readonly roundTripMs: number;
  /** Connections that others have not taken. */
  readonly freeConnections: number;
  /** A standby, or told to take no writes. */
  readonly readOnly: boolean;
  /** What is committed survives a power cut. */
  readonly durable: boolean;
  /** Why its tables can't be used; undefined when they can. */
  readonly tablesTrouble: unknown;
  /** Those that its tables name. */
  readonly engines: readonly Engine[];
}

const ANSWER_WITHIN_MS = 10_000;

/** Throws a `Problem`: `DATABASE_UNREACHABLE`, `POSTGRES_TOO_OLD`. */
export async function lookAtPostgres(url: string): Promise<PostgresFacts> {
  const pool = makePool({ url, schema: schemaOf(), answerWithinMs: ANSWER_WITHIN_MS, onError: () => undefined });
  const db = toDb(pool);
  try {
    await checkVersion(db);
    const tablesTrouble = await expectTables(db).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    const engines = tablesTrouble === undefined ? await listAllEngines(db) : [];
    return { ...(await measure(db)), tablesTrouble, engines };
  } finally {
    await db.destroy();
  }
}

async function measure(db: Db): Promise<Omit<PostgresFacts, 'tablesTrouble' | 'engines'>> {
  const askedMs = Date.now();
  const began = performance.now();
  const { rows } = await sql<{ ms: number; version: string; free: number; readOnly: boolean; durable: boolean }>`
    select extract(epoch from clock_timestamp()) * 1000.0 as ms,
           current_setting('server_version') as version,
           current_setting('max_connections')::int - (select count(*) from pg_stat_activity where backend_type = 'client backend')::int as free,
           current_setting('transaction_read_only') = 'on' as read_only,
           current_setting('fsync') = 'on' and current_setting('synchronous_commit') <> 'off' as durable
  `.execute(db);
  const roundTripMs = performance.now() - began;
  const [found] = rows;
  if (found === undefined) throw new Error('a select without from has one row');
  return {
    version: found.version,
    clockAheadMs: Number(found.ms) - (askedMs + roundTripMs / 2),
    roundTripMs,
    freeConnections: found.free,
    readOnly: found.readOnly,
    durable: found.durable,
  };
}
