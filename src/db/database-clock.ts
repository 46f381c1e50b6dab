/** The time that all processes of a fleet share: the database's, whatever clocks their machines have. */
import { sql } from 'kysely';
import type { Clock } from '../base/clock.ts';
import type { Db } from './store.ts';

/** How often the database is asked; in between its time goes on by a clock that nobody can set. */
const ASK_EVERY_MS = 30_000;

export interface DatabaseClock extends Clock {
  close(): void;
}

/** Asks for the time, and again and again: a machine that slept, or a database that moved, is noticed. */
export async function openDatabaseClock(db: Db, askEveryMs = ASK_EVERY_MS): Promise<DatabaseClock> {
  let offsetMs = await readOffset(db);
  const timer = setInterval(() => {
    readOffset(db).then(
      (found) => {
        offsetMs = found;
      },
      // A database that is away is told of by whoever needs it; the time goes on.
      () => undefined,
    );
  }, askEveryMs).unref();
  return {
    now: () => new Date(performance.now() + offsetMs),
    close: () => clearInterval(timer),
  };
}

/** From this process's monotonic clock to the database's time. */
async function readOffset(db: Db): Promise<number> {
  const askedMs = performance.now();
  const { rows } = await sql<{ ms: number }>`select extract(epoch from clock_timestamp()) * 1000.0 as ms`.execute(db);
  const answeredMs = performance.now();
  return Number(rows[0]?.ms) - (askedMs + answeredMs) / 2;
}
