/** Connections to a PostgreSQL server that may restart, fail over, or fall silent: each wait has an end, and no broken connection is used twice. */
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { Pool, type PoolClient, types } from 'pg';
import { messageOf } from '../base/message-of.ts';
import { Problem } from '../base/problem.ts';

export interface PoolOptions {
  readonly url: string;
  /** Where tables are looked for, and nowhere else. */
  readonly schema: string;
  /** A server that leaves a statement unanswered for so long is away. Absent: statements take as long as they take. */
  readonly answerWithinMs?: number;
  readonly onError: (cause: unknown) => void;
  /** Told that a statement did not find its table. */
  readonly onTablesGone?: (() => void) | undefined;
}

const CONNECTIONS = 10;
/** For a new connection, or for one that others give back. */
const CONNECT_WITHIN_MS = 10_000;

/** How each pool waits, pg-boss's too. */
export const patienceOf = ({ answerWithinMs }: Pick<PoolOptions, 'answerWithinMs'>) => ({
  connectionTimeoutMillis: Math.min(CONNECT_WITHIN_MS, answerWithinMs ?? CONNECT_WITHIN_MS),
  keepAlive: true,
  ...(answerWithinMs === undefined ? {} : { query_timeout: answerWithinMs }),
});

/** Opens a pool for Kysely. A connection that breaks while it is idle or lent out must not end the process: both kinds are heard. */
export function makePool({ url, schema, answerWithinMs, onError, onTablesGone }: PoolOptions): PostgresPool {
  const onTrouble = (trouble: unknown): void => {
    if (trouble instanceof Problem && trouble.reason === TABLES_GONE) onTablesGone?.();
  };
  const pool = new Pool({
    ...patienceOf({ ...(answerWithinMs === undefined ? {} : { answerWithinMs }) }),
    connectionString: url,
    max: CONNECTIONS,
    application_name: 'boatload',
    // A process that was cut off holds no locks for longer than it may be silent.
    onConnect: (client) =>
      client.query(`set search_path to ${schema}; set idle_in_transaction_session_timeout to ${answerWithinMs ?? 0}`),
    types: {
      getTypeParser: (type: number, format?: 'text' | 'binary') =>
        type === types.builtins.INT8 ? Number : types.getTypeParser(type, format),
    },
  });
  pool.on('error', onError);
  pool.on('connect', (client) => void client.on('error', onError));
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: () =>
      pool.connect().then(
        (client) => toLent(client, onTrouble),
        (cause: unknown) => {
          throw toTrouble(cause);
        },
      ),
  };
}

const lent = new WeakMap<PoolClient, PostgresPoolClient>();

/** Kysely knows a connection again by its object. */
function toLent(client: PoolClient, onTrouble: (trouble: unknown) => void): PostgresPoolClient {
  const known = lent.get(client) ?? lend(client, onTrouble);
  lent.set(client, known);
  return known;
}

function lend(client: PoolClient, onTrouble: (trouble: unknown) => void): PostgresPoolClient {
  let isBroken = false;
  const query = async (statement: string, parameters: readonly unknown[]) => {
    try {
      return await client.query(statement, [...parameters]);
    } catch (cause) {
      const trouble = toTrouble(cause);
      isBroken ||= trouble !== cause;
      onTrouble(trouble);
      throw trouble;
    }
  };
  return {
    // Cursors, the other way to call it, are not used.
    query: query as unknown as PostgresPoolClient['query'],
    release: (discard) => client.release(isBroken || discard === true),
  };
}

/** What the system says of a connection that can't be had or has ended. */
const GONE: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ENOENT'],
  // Out of file descriptors.
  ...['EMFILE', 'ENFILE'],
]);

/**
 * PostgreSQL's own words for it: connection exceptions, being shut down or started, no connection left, cut for being idle in a transaction, and a server that
 * takes no writes, as the other one does until a failover is complete.
 */
const AWAY = /^(08...|57P0[1-5]|53300|25P03|25006)$/;
/** What the driver says without a code. */
const AWAY_WORDS =
  /Query read timeout|timeout exceeded when trying to connect|Connection terminated|timeout expired|not queryable/;

/** No such table, no such schema: a migration renames the schema that every statement of ours looks in. */
const MOVED = /^(42P01|3F000)$/;
const TABLES_GONE = 'DATABASE_TOO_NEW';

/** A database that is away or another version's by now, as a `Problem`; what it says of a statement is given back as it came. */
function toTrouble(cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (MOVED.test(code))
    return new Problem(
      'UNAVAILABLE',
      'A newer version of Boatload has taken over the tables, and this process stops. Nothing is lost; try again when the newer one runs.',
      { reason: TABLES_GONE, cause },
    );
  const isAway = GONE.has(code) || AWAY.test(code) || (code === '' && AWAY_WORDS.test(messageOf(cause)));
  if (!isAway) return cause;
  const words = messageOf(cause) || code;
  return new Problem('UNAVAILABLE', `The database can't be used now (${words}). Nothing is lost; try again in a moment.`, {
    reason: 'DATABASE_UNREACHABLE',
    cause,
  });
}
