/** Which server, which key, which account: flags, then the environment, then the profile, then the server of this machine. */
import { Problem } from '../base/problem.ts';
import type { Host } from './host.ts';
import { findLocalServer, type LocalServer } from './local-server.ts';
import { type Profile, readProfile } from './profile.ts';

/** Flags that every command for a server has. */
export interface ConnectionFlags {
  readonly accountId?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly profile?: string | undefined;
}

/** A server with a key to it. */
export interface Connection {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** `-` is the account of the key. */
  readonly accountId: string;
  /** Where the key was found, for whoever has to look there. */
  readonly keyFrom: string;
}

/** A place that can know something of a connection, the strongest first. */
interface Source extends Profile {
  readonly name: (field: keyof Profile) => string;
}

/** Fireworks' own keys begin so; a server of ours never made one. */
const FOREIGN_KEY = /^fw_/;

/** Finds out all of it; a problem says what is missing and how to give it. */
export async function findConnection(flags: ConnectionFlags, host: Host): Promise<Connection> {
  const sources: readonly Source[] = [
    { ...flags, name: (field) => ({ accountId: '--account-id', apiKey: '--api-key', baseUrl: '--base-url' })[field] },
    ...['BOATLOAD', 'FIREWORKS'].map((prefix) => readEnv(host.env, prefix)),
    { ...(await readProfile(host, flags.profile)), name: () => '~/.fireworks/auth.ini' },
  ];
  const known = sources.find(({ baseUrl }) => baseUrl)?.baseUrl;
  const local = known === undefined ? await findLocalServer(host) : undefined;
  const baseUrl = known ?? local?.url;
  if (baseUrl === undefined) throw noServer();
  if (!/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? '')) throw notAnAddress(baseUrl);
  return { baseUrl, ...findKey(sources, local) };
}

function findKey(sources: readonly Source[], local: LocalServer | undefined): Omit<Connection, 'baseUrl'> {
  const source = sources.find(({ apiKey }) => apiKey && !(local !== undefined && FOREIGN_KEY.test(apiKey)));
  if (source?.apiKey) {
    const accountId = sources.find((candidate) => candidate.accountId)?.accountId ?? '-';
    return { apiKey: source.apiKey, keyFrom: source.name('apiKey'), accountId };
  }
  if (local?.apiKey === undefined) throw noKey();
  // Its own key: an account that was configured for another server is not meant.
  const accountId = sources.slice(0, 2).find((candidate) => candidate.accountId)?.accountId ?? '-';
  return { apiKey: local.apiKey, keyFrom: "the server's data folder", accountId };
}

function readEnv(env: Host['env'], prefix: string): Source {
  const names = { accountId: `${prefix}_ACCOUNT_ID`, apiKey: `${prefix}_API_KEY`, baseUrl: `${prefix}_BASE_URL` };
  return {
    accountId: env[names.accountId],
    apiKey: env[names.apiKey],
    baseUrl: env[names.baseUrl] || env[`${prefix}_API_BASE`],
    name: (field) => names[field],
  };
}

const noServer = (): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    'No server is up on this machine. Start one with `boatload up`, or say where it is: --base-url or BOATLOAD_BASE_URL.',
    { reason: 'NO_SERVER' },
  );

const notAnAddress = (baseUrl: string): Problem =>
  new Problem('INVALID_ARGUMENT', `Expected the server's address to be like http://127.0.0.1:8080, got "${baseUrl}".`, {
    reason: 'INVALID_BASE_URL',
  });

const noKey = (): Problem =>
  new Problem(
    'UNAUTHENTICATED',
    'No API key was given. Give one: BOATLOAD_API_KEY or --api-key, or keep one with `firectl set-api-key`.',
    { reason: 'NO_KEY' },
  );
