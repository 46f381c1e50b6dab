/** Opens the database that a URL names: `file:/folder` runs inside this process, `postgres://…` is a server. */
import { fileURLToPath } from 'node:url';
import type { Log } from '../base/log.ts';
import { Problem } from '../base/problem.ts';
import type { TemplateOptions } from './embedded/data-template.ts';
import { openEmbedded } from './embedded/open-embedded.ts';
import { openPostgres, type TablesOption } from './open-postgres.ts';
import type { Db, Store } from './store.ts';

export interface StoreOptions extends TemplateOptions {
  readonly url: string;
  readonly log?: Pick<Log, 'warn'>;
  /** On a server: `make` (the default) brings the tables up to date, `expect` refuses those of another version. On both: what is done instead. */
  readonly tables?: TablesOption;
  /** Told that a statement did not find its table, on a server: a newer version may have changed them. */
  readonly onTablesGone?: ((db: Db) => void) | undefined;
}

/** Opens it, and makes an embedded one when it is new. */
export async function openStore({ url, log, tables = 'make', onTablesGone, ...template }: StoreOptions): Promise<Store> {
  const onError = (cause: unknown): void => log?.warn({ cause }, 'database trouble in the background');
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres({ url, onError, tables, onTablesGone });
  if (url.startsWith('file:'))
    return openEmbedded({ dir: toPath(url), onError, ...(typeof tables === 'function' && { prepare: tables }), ...template });
  throw new Problem('INVALID_ARGUMENT', `A database is file:/folder or postgres://user@host/name, got "${withoutSecret(url)}".`, {
    reason: 'DATABASE_URL_UNKNOWN',
  });
}

/** `file:///a%20b` is a URL and encoded; `file:/a b` is just a path with a word in front. */
const toPath = (url: string): string => (url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length));

const withoutSecret = (url: string): string => url.replace(/\/\/[^@/]*@/, '//…@');
