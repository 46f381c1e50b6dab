/**
 * What a PostgreSQL server does in the background and the embedded one does not: it never checkpoints or vacuums by itself, so its log
 * and its tables would grow for as long as the process lives.
 */
import { type Kysely, sql } from 'kysely';
import type { Schema } from '../schema.ts';

const LOOK_EVERY_MS = 30_000;

/** As much log as is worth a checkpoint; a restart after a crash reads no more than this. */
const LOG_BYTES = 32 * 1024 * 1024;

/** Tables whose rows are changed or removed all the time. */
const BUSY_TABLES = ['shard', 'job', 'part', 'event', 'pgboss.job_common', 'pgboss.queue'];

export interface Upkeep {
  /** Looks once, also before its time. True when there was something to do. */
  look(): Promise<boolean>;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** Begins to look after the database every now and then. */
export function startUpkeep(db: Kysely<Schema>, onError: (cause: unknown) => void): Upkeep {
  let round: Promise<unknown> = Promise.resolve();
  const look = () => tidyUp(db);
  const timer = setInterval(() => {
    round = round.then(look).catch(onError);
  }, LOOK_EVERY_MS);
  timer.unref();
  return {
    look,
    async stop() {
      clearInterval(timer);
      await round;
    },
  };
}

/** One table per statement, as each blocks the thread while it runs. */
async function tidyUp(db: Kysely<Schema>): Promise<boolean> {
  const { rows } = await sql<{ logBytes: number }>`
    select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::bigint as log_bytes from pg_control_checkpoint()
  `.execute(db);
  if ((rows[0]?.logBytes ?? 0) < LOG_BYTES) return false;
  for (const table of BUSY_TABLES) await sql`vacuum (analyze) ${sql.table(table)}`.execute(db);
  await sql`checkpoint`.execute(db);
  return true;
}
