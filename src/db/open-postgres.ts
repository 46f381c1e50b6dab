import { CamelCasePlugin, Kysely, PostgresDialect, sql } from 'kysely';
import { Pool, types } from 'pg';
import { Problem } from '../base/problem.ts';
import { makeLeasedJobs } from './leased-jobs.ts';
import { makeLeases } from './leases.ts';
import { expectTables, migrate, schemaOf } from './migrations/migrate.ts';
import { openQueue } from './queue.ts';
import type { Schema } from './schema.ts';
import type { Db, Store } from './store.ts';

export interface PostgresOptions {
  readonly url: string;
  readonly onError: (cause: unknown) => void;
  /** `make` brings the tables up to date; `expect` refuses those of another version. */
  readonly tables: 'make' | 'expect';
}

/** Multiranges came with 14. */
const OLDEST = 140_000;

const CONNECTIONS = 10;
const QUEUE_CONNECTIONS = 4;

/** Connects to a PostgreSQL server that many processes may share. */
export async function openPostgres({ url, onError, tables }: PostgresOptions): Promise<Store> {
  const db = new Kysely<Schema>({
    dialect: new PostgresDialect({ pool: makePool(url, onError) }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
  try {
    await checkVersion(db);
    await (tables === 'make' ? migrate(db) : expectTables(db));
    const queue = await openQueue({ connection: { connectionString: url, max: QUEUE_CONNECTIONS }, db, alone: false, onError });
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

/** A connection that breaks while it is idle or lent out must not end the process: both kinds are heard. */
function makePool(connectionString: string, onError: (cause: unknown) => void): Pool {
  const pool = new Pool({
    connectionString,
    max: CONNECTIONS,
    keepAlive: true,
    application_name: 'boatload',
    // No other version's tables are found.
    onConnect: (client) => client.query(`set search_path to ${schemaOf()}`),
    types: {
      getTypeParser: (type: number, format?: 'text' | 'binary') =>
        type === types.builtins.INT8 ? Number : types.getTypeParser(type, format),
    },
  });
  pool.on('error', onError);
  pool.on('connect', (client) => void client.on('error', onError));
  return pool;
}

async function checkVersion(db: Db): Promise<void> {
  const query = sql<{ version: number; name: string }>`
    select current_setting('server_version_num')::int as version, current_setting('server_version') as name
  `;
  const { rows } = await query.execute(db).catch((cause: unknown) => {
    throw unreachable(cause);
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
