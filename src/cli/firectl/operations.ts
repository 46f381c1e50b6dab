/** The table of all operations of firectl; everything that can be typed is made from it. */
import { datasets } from './datasets.ts';
import { jobs } from './jobs.ts';
import { models } from './models.ts';
import type { Noun } from './operation.ts';
import { accounts, apiKeys, auditLogs, billing, quotas, users } from './people.ts';
import { plain } from './sign-in.ts';

export const NOUNS: readonly Noun[] = [jobs, datasets, models, accounts, users, apiKeys, quotas, auditLogs, billing];

export const PLAIN = plain;

/** Shorter or older words for verbs. */
export const VERB_ALIASES: Readonly<Record<string, string>> = { list: 'ls' };

/** Words that begin an operation in one order or the other. */
export const FIRST_WORDS: ReadonlySet<string> = new Set([
  ...NOUNS.flatMap(({ name, plural, aliases }) => [name, plural, ...aliases]),
  ...NOUNS.flatMap(({ operations }) => operations.flatMap(({ verb, older }) => older?.map(([first = '']) => first) ?? [verb])),
  ...Object.values(VERB_ALIASES),
  ...plain.flatMap(({ verb, aliases = [] }) => [verb, ...aliases]),
]);
