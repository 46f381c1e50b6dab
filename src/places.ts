/** Where a machine room keeps its things: all in one folder, or on PostgreSQL and S3 beside a folder of the process's own. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from './base/problem.ts';
import { readText, type Settings } from './settings/settings.ts';
import { SETTINGS, type SettingName } from './settings/settings-table.ts';
import { toSecret } from './settings/to-secret.ts';

export interface Places {
  /** `file:/folder` or `postgres://…`. */
  readonly database: string;
  /** `file:/folder` or `s3://bucket…`. */
  readonly objects: string;
  /** On local disk, this process's alone: `journal/`, `scratch/`. */
  readonly dataDir: string;
  /** Signs download links, and the secrets of webhooks are made from it; the same after every start, and in every process. */
  readonly secret: Buffer;
}

/** Everything in one folder, which is made where needed: `database/`, `objects/`, `journal/`, `scratch/`, `secret`. */
export async function embeddedPlaces(dataDir: string): Promise<Places> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  return {
    database: `file:${join(dataDir, 'database')}`,
    objects: `file:${join(dataDir, 'objects')}`,
    dataDir,
    secret: await readOrMakeSecret(join(dataDir, 'secret')),
  };
}

async function readOrMakeSecret(path: string): Promise<Buffer> {
  const known = await readFile(path).catch(() => undefined);
  if (known?.length === 32) return known;
  const secret = randomBytes(32);
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(secret);
    await file.datasync();
  } finally {
    await file.close();
  }
  return secret;
}

/** What is shared, and the process's own folder. */
export type SharedPlaces = Omit<Places, 'dataDir'>;

const FEWEST_CHARACTERS = 32;

/** What all processes of a fleet share, as the settings name it: `DATABASE_URL`, `OBJECT_STORE` and `BOATLOAD_SECRET`. */
export function readSharedPlaces(settings: Settings): SharedPlaces {
  return { database: demand(settings, 'DATABASE_URL'), ...readRowPlaces(settings) };
}

/** What a worker shares that has no database. */
export function readRowPlaces(settings: Settings): Omit<SharedPlaces, 'database'> {
  const secret = demand(settings, 'BOATLOAD_SECRET');
  if (secret.length < FEWEST_CHARACTERS) {
    throw new Problem(
      'INVALID_ARGUMENT',
      `BOATLOAD_SECRET should have ${FEWEST_CHARACTERS} characters or more, but has ${secret.length}. Make one: openssl rand -hex 32`,
      { reason: 'SECRET_TOO_SHORT' },
    );
  }
  return {
    objects: demand(settings, 'OBJECT_STORE'),
    secret: toSecret(secret),
  };
}

/** The database alone, for who brings its tables up to date. */
export const readDatabase = (settings: Settings): string => demand(settings, 'DATABASE_URL');

function demand(settings: Settings, name: SettingName): string {
  const value = readText(settings, name);
  if (value !== undefined) return value;
  const { unit, meaning } = SETTINGS[name];
  throw new Problem(
    'INVALID_ARGUMENT',
    `${name} is not set. It should be ${unit.replaceAll('`', '')}. ${meaning.replaceAll('`', '')}. On one machine: boatload up needs nothing.`,
    { reason: 'SETTING_MISSING', details: { name } },
  );
}
