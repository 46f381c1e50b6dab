/** `account`, `user`, `api-key`, `quota`, `audit-log` and `billing`: their rows in the table of operations. */
import type { Account } from '../../contract/account.ts';
import type { Quota } from '../../contract/quota.ts';
import type { User } from '../../contract/user.ts';
import { someText, wholeNumberBetween } from '../flags.ts';
import { DRY_RUN, LIST_FLAGS, OUTPUT } from './common-flags.ts';
import { idOf } from './message.ts';
import type { Flag, Noun } from './operation.ts';
import { deleteRow, getRow, type Kind, listRow, updateRow } from './standard.ts';
import { moment } from './values.ts';

const accountKind: Kind<Account> = {
  noun: 'account',
  words: 'account',
  collection: 'accounts',
  flags: [],
  columns: [
    ['NAME', ({ name }) => idOf(name)],
    ['CREATE TIME', ({ createTime }) => createTime],
    ['STATE', ({ state }) => state],
    ['DISPLAY NAME', ({ displayName }) => displayName],
  ],
};

/** `firectl account …`. */
export const accounts: Noun = {
  name: 'account',
  plural: 'accounts',
  aliases: [],
  about: 'who owns things',
  operations: [
    {
      ...getRow(accountKind),
      args: [{ name: '[id]', about: 'id of the account (default: yours)' }],
      examples: ['account get', 'account get my-account'],
    },
    listRow(accountKind),
  ],
};

const displayName: Flag = { flags: '--display-name <name>', about: 'label for people', parse: someText, field: 'displayName' };
const role: Flag = {
  flags: '--role <role>',
  about: 'user, admin, contributor or inference-user',
  parse: someText,
  field: 'role',
};

const userFlags: readonly Flag[] = [
  { flags: '--user-id <id>', about: 'id of the user (default: made from the address)', parse: someText, field: 'name' },
  displayName,
  { flags: '--email <address>', about: 'address', parse: someText, field: 'email' },
  { ...role, about: `${role.about} (default: user)` },
  { flags: '--service-account', about: 'a program: it has keys and no address', field: 'serviceAccount' },
];

const userKind: Kind<User> = {
  noun: 'user',
  words: 'user',
  collection: 'users',
  completes: 'users',
  flags: userFlags,
  columns: [
    ['NAME', ({ name }) => idOf(name)],
    ['EMAIL', ({ email }) => email],
    ['ROLE', (user) => user.role],
    ['SERVICE ACCOUNT', ({ serviceAccount }) => String(serviceAccount)],
    ['CREATE TIME', ({ createTime }) => createTime],
  ],
};

/** `firectl user …`. */
export const users: Noun = {
  name: 'user',
  plural: 'users',
  aliases: [],
  about: 'people and programs with a role in an account',
  operations: [
    {
      verb: 'create',
      summary: 'make a user',
      args: [],
      flags: [...userFlags, OUTPUT, DRY_RUN],
      examples: ['user create --email ada@example.com --role admin', 'user create --user-id nightly --service-account'],
      run: async (call) => (await import('./run-people.ts')).createUser(call, userFlags),
    },
    getRow(userKind),
    listRow(userKind),
    updateRow(userKind, [displayName, role]),
    deleteRow(userKind),
  ],
};

/** `firectl api-key …`. */
export const apiKeys: Noun = {
  name: 'api-key',
  plural: 'api-keys',
  aliases: [],
  about: 'what users prove who they are with',
  operations: [
    {
      verb: 'create',
      summary: 'make a key; it is shown once',
      args: [],
      flags: [
        { flags: '--key-name <name>', about: 'label for people (default: default)', parse: someText, field: 'displayName' },
        { flags: '--expire-time <date>', about: 'YYYY-MM-DD[ HH:MM:SS] (default: never)', parse: moment, field: 'expireTime' },
        { flags: '--service-account <id>', about: 'for this one (admins)', parse: someText, completes: 'users' },
        OUTPUT,
        DRY_RUN,
      ],
      examples: ['api-key create --key-name ci', 'api-key create --service-account nightly --expire-time 2027-01-31'],
      run: async (call) => (await import('./run-people.ts')).createKey(call),
    },
    {
      verb: 'list',
      summary: 'print your keys, without what they are',
      args: [],
      flags: [{ flags: '--all-users', about: 'those of everybody (admins)' }, ...LIST_FLAGS],
      examples: ['api-key list', 'api-key list --all-users'],
      run: async (call) => (await import('./run-people.ts')).listKeys(call),
    },
    {
      verb: 'delete',
      summary: 'delete a key',
      args: [{ name: '<key-id>', about: 'id of the key, as the list has it' }],
      flags: [DRY_RUN, OUTPUT],
      examples: ['api-key delete k3f9a0b2c1'],
      run: async (call) => (await import('./run-people.ts')).deleteKey(call),
    },
  ],
};

const value: Flag = {
  flags: '--value <n>',
  about: 'what shall be enforced, at most its max value',
  parse: wholeNumberBetween(0, Number.MAX_SAFE_INTEGER),
  field: 'value',
};

const quotaKind: Kind<Quota> = {
  noun: 'quota',
  words: 'quota',
  collection: 'quotas',
  flags: [value],
  columns: [
    ['NAME', ({ name }) => idOf(name)],
    ['VALUE', (quota) => quota.value],
    ['MAX VALUE', ({ maxValue }) => maxValue],
    ['USAGE', ({ usage }) => String(usage)],
  ],
};

/** `firectl quota …`. */
export const quotas: Noun = {
  name: 'quota',
  plural: 'quotas',
  aliases: [],
  about: 'how much an account may have',
  operations: [getRow(quotaKind), listRow(quotaKind), updateRow(quotaKind, [value])],
};

/** `firectl audit-log …`. */
export const auditLogs: Noun = {
  name: 'audit-log',
  plural: 'audit-logs',
  aliases: [],
  about: 'who changed what',
  operations: [
    {
      verb: 'list',
      summary: 'print who changed what, the newest first (admins)',
      args: [],
      flags: [
        { flags: '--start-time <date>', about: 'from here, YYYY-MM-DD[ HH:MM:SS] (default: 30 days ago)', parse: moment },
        { flags: '--end-time <date>', about: 'to here (default: now)', parse: moment },
        { flags: '--email <address>', about: 'only what this user did', parse: someText },
        ...LIST_FLAGS,
      ],
      examples: ['audit-log list', 'audit-log list --email ada@example.com --start-time 2026-01-01'],
      run: async (call) => (await import('./run-people.ts')).listAuditLogs(call),
    },
  ],
};

/** `firectl billing …`. */
export const billing: Noun = {
  name: 'billing',
  plural: 'billing-metrics',
  aliases: [],
  about: 'what was used',
  operations: [
    {
      verb: 'export-metrics',
      older: [
        ['export', 'billing-metrics'],
        ['download', 'billing-metrics'],
      ],
      summary: 'write what was used, day by day, as CSV',
      args: [],
      flags: [
        { flags: '--start-time <date>', about: 'first day, YYYY-MM-DD (default: 30 days ago)', parse: moment },
        { flags: '--end-time <date>', about: 'the day after the last one (default: now)', parse: moment },
        {
          flags: '--filename <file>',
          about: 'where to (default: billing_metrics.csv)',
          parse: someText,
          completes: 'files',
        },
      ],
      examples: ['billing export-metrics --start-time 2026-01-01 --end-time 2026-02-01'],
      run: async (call) => (await import('./run-people.ts')).exportMetrics(call),
    },
  ],
};
