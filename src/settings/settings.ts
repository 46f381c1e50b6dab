/** The settings in force: the environment's before the config file's, each checked, with where it comes from. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf } from '../base/message-of.ts';
import { Problem } from '../base/problem.ts';
import { type Given, readConfigFile } from './config-file.ts';
import { fits, SETTINGS, type SettingName, toExpectation, toKey } from './settings-table.ts';

/** Texts by name, as an environment has them; what is not set is absent or empty. */
export type Settings = Readonly<Record<string, string | undefined>>;

export interface FoundSettings {
  /** What else the environment holds is in here, too. */
  readonly settings: Settings;
  /** Those of the table that somebody has set. */
  readonly given: ReadonlyMap<SettingName, Given>;
}

/** Names the config file. */
const CONFIG = 'BOATLOAD_CONFIG';

/**
 * Finds all of them. The file is the one that is named, else that of `BOATLOAD_CONFIG`, else none. A `Problem` INVALID_ARGUMENT: `CONFIG_INVALID` for a file
 * with faults, all of them said; `SETTING_INVALID`, `SETTING_TWICE`, `SECRET_UNREADABLE`.
 */
export async function findSettings(env: Settings, file: string | undefined): Promise<FoundSettings> {
  const path = file ?? (env[CONFIG] || undefined);
  const written = path === undefined ? new Map<string, Given>() : await readConfigFile(resolve(path));
  const set = new Map(Object.entries(env).flatMap(([name, text]) => (text ? [[name, { text, from: 'the environment' }]] : [])));
  const given = new Map<SettingName, Given>();
  for (const name of NAMES) {
    const found = (await pick(set, name)) ?? (await pick(written, name));
    if (found !== undefined) given.set(name, checked(name, found));
  }
  return { settings: { ...env, ...Object.fromEntries(Array.from(given, ([name, { text }]) => [name, text])) }, given };
}

const NAMES = Object.keys(SETTINGS) as SettingName[]; // Its keys are its names.

/** A secret may be in a file of its own, as containers get them: `DATABASE_URL_FILE` names it. */
async function pick(texts: ReadonlyMap<string, Given>, name: SettingName): Promise<Given | undefined> {
  const plain = texts.get(name);
  const file = SETTINGS[name].secret === true ? texts.get(`${name}_FILE`) : undefined;
  if (file === undefined) return plain;
  if (plain === undefined) return readSecret(name, file);
  throw new Problem('INVALID_ARGUMENT', `${name} and ${name}_FILE are both set, in ${file.from}. Leave one out.`, {
    reason: 'SETTING_TWICE',
  });
}

async function readSecret(name: SettingName, file: Given): Promise<Given> {
  const text = await readFile(file.text, 'utf8').then(
    (content) => content.trim(),
    (cause: unknown) => {
      throw new Problem('INVALID_ARGUMENT', `${name}_FILE names ${file.text}, which can't be read: ${messageOf(cause)}`, {
        reason: 'SECRET_UNREADABLE',
        cause,
      });
    },
  );
  if (text !== '') return { text, from: file.text };
  throw new Problem('INVALID_ARGUMENT', `${name}_FILE names ${file.text}, which is empty. Write the secret into it.`, {
    reason: 'SECRET_UNREADABLE',
  });
}

function checked(name: SettingName, given: Given): Given {
  if (fits(SETTINGS[name], given.text)) return given;
  throw invalid(name, given);
}

const invalid = (name: SettingName, { text, from }: Given): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `${from === 'the environment' ? name : `${from}: ${toKey(name)}`} should be ${toExpectation(SETTINGS[name])}, got "${text}". Correct it, or leave it out.`,
    { reason: 'SETTING_INVALID', details: { name } },
  );

/** A number; undefined where it is not set. */
export function readCount(settings: Settings, name: SettingName): number | undefined {
  const text = readText(settings, name);
  return text === undefined ? undefined : Number(text);
}

/** Yes or no. */
export function readSwitch(settings: Settings, name: SettingName): boolean | undefined {
  const text = readText(settings, name);
  return text === undefined ? undefined : text === '1' || text === 'true';
}

/** Texts; none where it is not set. */
export const readList = (settings: Settings, name: SettingName): readonly string[] =>
  (readText(settings, name) ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter(Boolean);

/** Any text. */
export function readText(settings: Settings, name: SettingName): string | undefined {
  const text = settings[name] || undefined;
  return text === undefined ? undefined : checked(name, { text, from: 'the environment' }).text;
}
