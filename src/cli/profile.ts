/** `~/.fireworks`: keys in `auth.ini`, other defaults in `settings.ini`, a profile in a section of both. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/message-of.ts';
import { Problem } from '../base/problem.ts';
import type { Host } from './host.ts';
import { type Ini, parseIni, setInIni } from './ini.ts';

/** What a profile knows. */
export interface Profile {
  readonly accountId?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly baseUrl?: string | undefined;
}

const KEYS = { accountId: 'account_id', apiKey: 'api_key', baseUrl: 'base_url' } as const;
/** Sections that are read when no profile is named, after what stands before all sections. */
const UNNAMED = ['', 'default', 'fireworks'];

const folderOf = ({ env }: Pick<Host, 'env'>): string => join(env['HOME'] || env['USERPROFILE'] || '.', '.fireworks');

/** Reads a profile, the default one without a name. Files that are not there are empty. */
export async function readProfile(host: Pick<Host, 'env'>, name: string | undefined): Promise<Profile> {
  const files = await Promise.all(['auth.ini', 'settings.ini'].map((file) => readIni(join(folderOf(host), file))));
  if (name !== undefined && !files.some((ini) => ini.has(name))) throw noSuchProfile(name, files);
  const sections = name === undefined ? UNNAMED : [name];
  const find = (key: string) => files.flatMap((ini) => sections.map((section) => ini.get(section)?.get(key))).find(Boolean);
  return { accountId: find(KEYS.accountId), apiKey: find(KEYS.apiKey), baseUrl: find(KEYS.baseUrl) };
}

/** Keeps what is given: account and key in `auth.ini`, which only its owner can read, the address in `settings.ini`. Answers the path of `auth.ini`. */
export async function writeProfile(host: Pick<Host, 'env'>, name: string | undefined, profile: Profile): Promise<string> {
  const folder = folderOf(host);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { accountId, apiKey, baseUrl } = profile;
  const auth = join(folder, 'auth.ini');
  await change(auth, name ?? '', { [KEYS.accountId]: accountId, [KEYS.apiKey]: apiKey });
  if (baseUrl !== undefined) await change(join(folder, 'settings.ini'), name ?? '', { [KEYS.baseUrl]: baseUrl });
  return auth;
}

const readIni = async (path: string): Promise<Ini> => parseIni(await readOrEmpty(path));

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return '';
    const why = messageOf(cause);
    throw new Problem('PERMISSION_DENIED', `Can't read ${path}: ${why}.`, { reason: 'PROFILE_NOT_READABLE', cause });
  }
}

async function change(path: string, section: string, entries: Readonly<Record<string, string | undefined>>): Promise<void> {
  const given = Object.entries(entries).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const text = setInIni(await readOrEmpty(path), section, Object.fromEntries(given));
  const aside = `${path}.${process.pid}`;
  await writeFile(aside, text, { mode: 0o600 });
  await rename(aside, path);
}

const noSuchProfile = (name: string, files: readonly Ini[]): Problem => {
  const known = [...new Set(files.flatMap((ini) => [...ini.keys()]))].filter(Boolean);
  const hint = known.length === 0 ? 'There are none' : `There are: ${known.join(', ')}`;
  return new Problem('INVALID_ARGUMENT', `No profile is called "${name}" in ~/.fireworks/auth.ini. ${hint}.`, {
    reason: 'NO_SUCH_PROFILE',
  });
};
