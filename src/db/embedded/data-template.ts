/**
 * A prepared data folder to copy from: making one takes seconds, copying it a fraction of one.
 *
 * The name says what it was made with, so a newer version makes its own. It comes from the package when it was shipped, else from the user's
 * cache, else it is made there.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { sql } from 'kysely';
import { fromPglite } from 'pg-boss';
import { hashMigrations, migrate } from '../migrations/migrate.ts';
import { openQueue } from '../queue.ts';
import type { Db } from '../store.ts';
import { openLite } from './open-lite.ts';
import { syncPath, syncTree } from './sync-tree.ts';

export interface TemplateOptions {
  /** Where templates are kept once made; default is the user's cache. */
  readonly cacheDir?: string;
  /** Where a template may have come with the package. */
  readonly templateDir?: string;
}

/** Puts a new database at `dir`, where nothing may be. Durable when it returns; whatever breaks it off leaves no half of one. */
export async function copyTemplate(dir: string, options: TemplateOptions): Promise<void> {
  const unfinished = `${dir}.new`;
  await rm(unfinished, { recursive: true, force: true });
  const template = await findTemplate(options);
  if (template === undefined) await makeDatabase(unfinished);
  else await cp(template, unfinished, { recursive: true, mode: constants.COPYFILE_FICLONE });
  await syncTree(unfinished);
  await rename(unfinished, dir);
  await syncPath(dirname(dir));
}

/** Makes the template of this version in a folder, for the package or the cache. Answers where it is. */
export async function makeTemplate(parent: string): Promise<string> {
  const template = join(parent, templateName());
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const unfinished = await mkdtemp(join(parent, 'unfinished-'));
  try {
    await makeDatabase(join(unfinished, 'database'));
    await syncTree(unfinished);
    await rename(join(unfinished, 'database'), template).catch(unlessThere);
    await syncPath(parent);
    return template;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** Undefined when there is none and none can be made, as the cache can't be written. */
async function findTemplate({ cacheDir = defaultCacheDir(), templateDir }: TemplateOptions): Promise<string | undefined> {
  for (const parent of [templateDir, cacheDir]) {
    const template = parent === undefined ? undefined : join(parent, templateName());
    if (template !== undefined && (await exists(template))) return template;
  }
  return makeTemplate(cacheDir).catch(unlessReadOnly);
}

async function makeDatabase(dir: string): Promise<void> {
  const { lite, db } = await openLite(dir);
  try {
    await migrate(db);
    const queue = await openQueue({
      connection: { backend: 'pglite', db: fromPglite(lite) },
      db,
      alone: true,
      onError: () => undefined,
    });
    await queue.close();
    await dropSpareDatabases(db);
  } finally {
    await db.destroy();
  }
}

/**
 * A new cluster has three databases, of which only ours is ever opened. Without the others there are 380 files instead of 980 to copy, and to sync
 * in every recovery.
 */
async function dropSpareDatabases(db: Db): Promise<void> {
  await sql`update pg_database set datistemplate = false`.execute(db);
  for (const name of ['template0', 'template1']) await sql`drop database ${sql.id(name)}`.execute(db);
  await sql`checkpoint`.execute(db);
}

/** Counts up when a new database is made in another way. */
const RECIPE = 3;

const templateName = (): string => {
  const parts = [RECIPE, versionOf('@electric-sql/pglite'), versionOf('pg-boss'), hashMigrations()];
  return `database-${createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 16)}`;
};

const require = createRequire(import.meta.url);

/** Not every package lets its package.json be imported, but it is always above its code. */
const versionOf = (name: string): string => {
  const manifest: unknown = require(join(dirname(require.resolve(name)), '../package.json'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
};

const defaultCacheDir = (): string => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'boatload');

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Another process was faster; its template is as good. */
const unlessThere = (cause: NodeJS.ErrnoException): void => {
  if (cause.code !== 'ENOTEMPTY' && cause.code !== 'EEXIST') throw cause;
};

const unlessReadOnly = (cause: NodeJS.ErrnoException): undefined => {
  if (cause.code !== 'EACCES' && cause.code !== 'EROFS' && cause.code !== 'EPERM' && cause.code !== 'ENOTDIR') throw cause;
};
