/** The database: a PostgreSQL server, or the folder of the embedded one, which only its own process can look into. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lookAtPostgres, type PostgresFacts } from '../db/look-at-postgres.ts';
import { SCHEMA_VERSION } from '../db/schema-version.ts';
import { readText } from '../settings/settings.ts';
import { fault, toFault, warning, well } from './observe.ts';
import { isOfFleet, type Observation, type Patient } from './patient.ts';

/** Windows, leases and turns are by the database's clock; logs and a store's signatures by the machine's. */
const CLOCK_OFF_MS = 5_000;
const FAR_MS = 50;
/** What one process takes at most. */
const CONNECTIONS = 14;

/** Undefined URL: none is needed, or `settings` says that it is missing. */
export async function checkDatabase(patient: Patient): Promise<readonly Observation[]> {
  const url = readText(patient.settings, 'DATABASE_URL');
  if (!isOfFleet(patient)) return [await lookAtFolder(join(patient.dataDir, 'database'))];
  return url === undefined || patient.through.length > 0 ? [] : judgePostgres(await lookAtPostgres(url));
}

/** Apart from the asking, so that it can be tried. */
export function judgePostgres(facts: PostgresFacts): readonly Observation[] {
  const { version, tablesTrouble, engines, ...details } = facts;
  const complaints = [
    ...(tablesTrouble === undefined ? [] : [toFault(tablesTrouble)]),
    ...WRONG.filter(({ is }) => is(facts)).map(({ say }) => say(facts)),
  ];
  if (complaints.length > 0) return complaints;
  const message = `PostgreSQL ${version}, tables ${SCHEMA_VERSION}, answers in ${facts.roundTripMs.toFixed(1)} ms`;
  return [well(message, { version, tables: SCHEMA_VERSION, engines: engines.length, ...details })];
}

interface Wrong {
  readonly is: (facts: PostgresFacts) => boolean;
  readonly say: (facts: PostgresFacts) => Observation;
}

const WRONG: readonly Wrong[] = [
  {
    is: ({ readOnly }) => readOnly,
    say: () =>
      fault({
        code: 'DATABASE_READ_ONLY',
        message: 'The database takes no writes: it is a standby, or was told so.',
        remedy: 'Name the primary in DATABASE_URL.',
      }),
  },
  {
    is: ({ clockAheadMs }) => Math.abs(clockAheadMs) > CLOCK_OFF_MS,
    say: ({ clockAheadMs }) =>
      warning({
        code: 'CLOCK_OFF',
        message: `The clocks of this machine and of the database differ by ${(Math.abs(clockAheadMs) / 1000).toFixed(1)} s. Jobs go by the database's.`,
        remedy: 'Let both machines set their clocks by NTP.',
        details: { clockAheadMs },
      }),
  },
  {
    is: ({ roundTripMs }) => roundTripMs > FAR_MS,
    say: ({ roundTripMs }) =>
      warning({
        code: 'DATABASE_FAR',
        message: `The database takes ${roundTripMs.toFixed(0)} ms for the smallest question: every commit waits so long.`,
        remedy: 'Run the processes near their database, or give it less else to do.',
        details: { roundTripMs },
      }),
  },
  {
    is: ({ freeConnections }) => freeConnections < CONNECTIONS,
    say: ({ freeConnections }) =>
      warning({
        code: 'DATABASE_CONNECTIONS_FEW',
        message: `The database has ${freeConnections} connections left, and a process takes up to ${CONNECTIONS}.`,
        remedy: 'Raise max_connections, or put a pooler in front (in session mode).',
        details: { freeConnections },
      }),
  },
  {
    is: ({ durable }) => !durable,
    say: () =>
      warning({
        code: 'DATABASE_NOT_DURABLE',
        message: 'The database answers before its disk has what is committed: a power cut may take back what was acknowledged.',
        remedy: 'Switch fsync and synchronous_commit on.',
      }),
  },
];

/** The PostgreSQL that comes with Boatload; its folders are not readable for another. */
const MAJOR = '18';

async function lookAtFolder(folder: string): Promise<Observation> {
  const names = await readdir(folder).catch(() => []);
  if (names.length === 0) return well('embedded; made when the server first starts', { folder });
  const version = (await readFile(join(folder, 'PG_VERSION'), 'utf8').catch(() => 'none')).trim();
  if (version === MAJOR) return well(`embedded, in ${folder}`, { folder, version });
  return fault({
    code: 'DATA_DIR_FOREIGN',
    message: `${folder} should be a database of PostgreSQL ${MAJOR}; it holds ${version === 'none' ? 'other files' : `one of PostgreSQL ${version}`}.`,
    remedy: 'Name another folder: --data-dir …',
    details: { folder },
  });
}
