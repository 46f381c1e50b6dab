/** Where a machine room keeps its things: all in one folder, or on PostgreSQL and S3 beside a folder of the process's own. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from './base/problem.ts';

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

/** What all processes of a fleet share, as the environment names it: `DATABASE_URL`, `OBJECT_STORE` and `BOATLOAD_SECRET`. */
export function readSharedPlaces(env: Readonly<Record<string, string | undefined>>): SharedPlaces {
  const secret = demand(env, 'BOATLOAD_SECRET', 'the same random text for all processes, as from: openssl rand -hex 32');
  if (secret.length < FEWEST_CHARACTERS) {
    throw new Problem(
      'INVALID_ARGUMENT',
      `BOATLOAD_SECRET should have ${FEWEST_CHARACTERS} characters or more, but has ${secret.length}. Make one: openssl rand -hex 32`,
      { reason: 'SECRET_TOO_SHORT' },
    );
  }
  return {
    database: demand(env, 'DATABASE_URL', 'a PostgreSQL database: postgres://user@host/name'),
    objects: demand(
      env,
      'OBJECT_STORE',
      'where files live: s3://bucket?endpoint=https://…, or file:/folder that all processes share',
    ),
    secret: createHash('sha256').update(secret).digest(),
  };
}

function demand(env: Readonly<Record<string, string | undefined>>, name: string, meaning: string): string {
  const value = env[name] ?? '';
  if (value !== '') return value;
  throw new Problem(
    'INVALID_ARGUMENT',
    `${name} is not set. It should be ${meaning}. On one machine: boatload up needs nothing.`,
    {
      reason: 'SETTING_MISSING',
      details: { name },
    },
  );
}
