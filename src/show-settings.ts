/** `boatload config`: what is in force, and who said so. */
import type { ConfigRequest, SettingFacts } from './cli/doors.ts';
import { type FoundSettings, findSettings } from './settings/settings.ts';
import { SETTINGS, type SettingName, toKey } from './settings/settings-table.ts';

/** Secrets are named and not shown. */
export async function showSettings({ config }: ConfigRequest): Promise<readonly SettingFacts[]> {
  const found = await findSettings(process.env, config);
  return (Object.keys(SETTINGS) as SettingName[]).map((name) => toFacts(name, found)); // Its keys are its names.
}

function toFacts(name: SettingName, { given }: FoundSettings): SettingFacts {
  const { fallback, unit, meaning, secret: isSecret = false } = SETTINGS[name];
  const set = given.get(name);
  const secret = isSecret || hasCredentials(set?.text ?? '');
  return {
    name,
    key: toKey(name),
    value: set === undefined || secret ? null : set.text,
    from: set?.from ?? 'default',
    fallback: String(fallback).replaceAll('`', ''),
    unit: unit.replaceAll('`', ''),
    meaning: meaning.replaceAll('`', ''),
    secret,
  };
}

/** Addresses of engines may have a user and a password in them. */
const hasCredentials = (text: string): boolean => /:\/\/[^\s,/?#]*@/.test(text);
