/** Who looks for tasks whose takers have died, and when nobody should. */
import type { PgBoss } from 'pg-boss';

/** After its own start the database knows only heartbeats from before: who lives has this long to send the next one. */
const GRACE_SECONDS = 15;

export interface Supervision {
  /** pg-boss's own supervision is switched off: it would take a restart of the database for the death of all who hold tasks. */
  readonly boss: PgBoss;
  readonly everySeconds: number;
  readonly onError: (cause: unknown) => void;
}

/** Looks in rounds, one at a time, until what it answers is called. */
export function supervise({ boss, everySeconds, onError }: Supervision): () => void {
  let isBusy = false;
  const look = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    try {
      if (await isSettled(boss)) await boss.supervise();
    } catch (cause) {
      onError(cause);
    } finally {
      isBusy = false;
    }
  };
  const timer = setInterval(look, everySeconds * 1_000).unref();
  return () => clearInterval(timer);
}

async function isSettled(boss: PgBoss): Promise<boolean> {
  const settled = `select 1 where clock_timestamp() > pg_postmaster_start_time() + interval '${GRACE_SECONDS} s'`;
  return (await boss.getDb().executeSql(settled)).rows.length > 0;
}
