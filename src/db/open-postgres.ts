import { CamelCasePlugin, Kysely, PostgresDialect, type PostgresPool, sql } from 'kysely';
import { Problem } from '../base/problem.ts';
import { makeLeasedJobs } from './leased-jobs.ts';
import { makeLeases } from './leases.ts';
import { expectTables, migrate, schemaOf } from './migrations/migrate.ts';
import { makePool, patienceOf } from './postgres-pool.ts';
import { openQueue } from './queue.ts';
import type { Schema } from './schema.ts';
import type { Db, Store } from './store.ts';

/** `make` brings the tables up to date; `expect` refuses those of another version. Or what is done instead, on the only connection. */
export type TablesOption = 'make' | 'expect' | ((db: Db) => Promise<void>);

export interface PostgresOptions {
  readonly url: string;
  readonly onError: (cause: unknown) => void;
  readonly tables: TablesOption;
  /** Told that a statement did not find its table. */
  readonly onTablesGone?: ((db: Db) => void) | undefined;
  /** A server that leaves a statement unanswered for so long is away; default 60,000, and no limit for who makes tables. */
  readonly answerWithinMs?: number;
}

/** Multiranges came with 14. */
const OLDEST = 140_000;

/** What takes longest is a plan's start with all its shards: seconds. */
const ANSWER_WITHIN_MS = 60_000;
const QUEUE_CONNECTIONS = 4;

/** Connects to a PostgreSQL server that many processes may share. */
export async function openPostgres({ url, onError, tables, onTablesGone, ...wanted }: PostgresOptions): Promise<Store> {
  const { answerWithinMs = tables === 'expect' ? ANSWER_WITHIN_MS : undefined } = wanted;
  const patience = answerWithinMs === undefined ? {} : { answerWithinMs };
  const pool = makePool({ url, schema: schemaOf(), onError, onTablesGone: () => onTablesGone?.(db), ...patience });
  const db: Db = toDb(pool);
  try {
    await checkVersion(db);
    await toPreparation(tables)(db);
    const connection = { ...patienceOf(patience), connectionString: url, max: QUEUE_CONNECTIONS };
    const queue = await openQueue({ connection, db, alone: false, onError });
    return {
      db,
      queue,
      leases: makeLeases(db, queue),
      jobs: makeLeasedJobs(db, queue),
      embedded: false,
      async close() {
        await queue.close();
        await db.destroy();
      },
    };
  } catch (cause) {
    await db.destroy();
    throw cause;
  }
}

/** The tables behind a pool. */
export const toDb = (pool: PostgresPool): Kysely<Schema> =>
  new Kysely({ dialect: new PostgresDialect({ pool }), plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })] });

const toPreparation = (tables: TablesOption): ((db: Db) => Promise<void>) =>
  typeof tables === 'function' ? tables : tables === 'make' ? migrate : expectTables;

/** Refuses a server that is too old, or that does not let us in. */
export async function checkVersion(db: Db): Promise<void> {
  const query = sql<{ version: number; name: string }>`
    select current_setting('server_version_num')::int as version, current_setting('server_version') as name
  `;
  const { rows } = await query.execute(db).catch((cause: unknown) => {
    throw unreachable(cause instanceof Problem ? cause.cause : cause);
  });
  const [server] = rows;
  if (server !== undefined && server.version >= OLDEST) return;
  throw new Problem(
    'FAILED_PRECONDITION',
    `Boatload needs PostgreSQL 14 or newer; this server is ${server?.name}. Upgrade it, or name another one.`,
    { reason: 'POSTGRES_TOO_OLD', details: { version: server?.name } },
  );
}

const unreachable = (cause: unknown): Problem =>
  new Problem(
    'UNAVAILABLE',
    `The database does not let us in: ${cause instanceof Error ? cause.message || cause.name : cause}. Check that it runs, its address, and the user's name and password.`,
    { reason: 'DATABASE_UNREACHABLE', cause },
  );
