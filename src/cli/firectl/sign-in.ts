/** Commands without a noun: their rows in the table of operations. */
import type { Operation } from './operation.ts';

/** `firectl signin`, `whoami`, `version` … */
export const plain: readonly (Operation & { readonly aliases?: readonly string[] })[] = [
  {
    verb: 'signin',
    aliases: ['login'],
    summary: 'keep account and key in ~/.fireworks/auth.ini',
    args: [{ name: '[account-id]', about: 'account (default: that of the key)' }],
    flags: [],
    examples: ['signin', 'signin my-account --base-url http://gpu-1:8080'],
    run: async (call) => (await import('./run-sign-in.ts')).signIn(call),
  },
  {
    verb: 'set-api-key',
    summary: 'keep an API key in ~/.fireworks/auth.ini',
    args: [{ name: '<key>', about: 'the key' }],
    flags: [],
    examples: ['set-api-key bl_…'],
    run: async (call) => (await import('./run-sign-in.ts')).setApiKey(call),
  },
  {
    verb: 'whoami',
    summary: 'print whose key is used, and where',
    args: [],
    flags: [],
    examples: ['whoami'],
    run: async (call) => (await import('./run-sign-in.ts')).whoAmI(call),
  },
  {
    verb: 'version',
    summary: 'print the version',
    args: [],
    flags: [{ flags: '-l, --long', about: 'that of the engine and the database schema, too' }],
    examples: ['version --long'],
    run: async (call) => (await import('./run-sign-in.ts')).printVersion(call),
  },
  {
    verb: 'upgrade',
    summary: 'say how to get the newest version',
    args: [],
    flags: [],
    examples: ['upgrade'],
    run: async (call) => (await import('./run-sign-in.ts')).sayUpgrade(call),
  },
];
