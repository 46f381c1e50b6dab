/** `signin`, `set-api-key`, `whoami`, `version`, `upgrade`. */
import { createInterface } from 'node:readline';
import { Problem } from '../../base/problem.ts';
import { makeClient } from '../../client/client.ts';
import { canAsk } from '../ask.ts';
import type { Host } from '../host.ts';
import { writeProfile } from '../profile.ts';
import { withSession } from '../session.ts';
import { argument, type Call } from './operation.ts';

/** Tries a key, and keeps it with its account. The key is the one that is known already, or one that is asked for. */
export async function signIn(call: Call): Promise<void> {
  const { host, flags, args } = call;
  const given = flags.apiKey ?? (canAsk(host) ? await askKey(host) : undefined);
  const account = args[0] ?? flags.accountId;
  const wished = { ...flags, ...(given && { apiKey: given }), ...(account && { accountId: account }) };
  await withSession(host, wished, async ({ client, connection }) => {
    const { name } = await client.accounts.get();
    const accountId = name.replace(/^accounts\//, '');
    const { apiKey, baseUrl } = connection;
    const path = await writeProfile(host, flags.profile, { accountId, apiKey, ...(flags.baseUrl && { baseUrl }) });
    host.stdout.write(`Signed in to ${name} at ${baseUrl}. The key is in ${path}.\n`);
  });
}

/** Enter alone keeps the key that is known already. */
async function askKey(host: Host): Promise<string | undefined> {
  host.stderr.write('API key (Enter for the one in use): ');
  const lines = createInterface({ input: host.stdin, terminal: false });
  const { value, done } = await lines[Symbol.asyncIterator]().next();
  lines.close();
  return done === true || value.trim() === '' ? undefined : value.trim();
}

/** Keeps a key for all later commands. */
export async function setApiKey(call: Call): Promise<void> {
  const { host, flags } = call;
  const apiKey = argument(call, 0);
  if (!/^[\x21-\x7e]+$/.test(apiKey))
    throw new Problem('INVALID_ARGUMENT', 'Expected a key, printable and in one piece.', { reason: 'INVALID_KEY' });
  const { accountId, baseUrl } = flags;
  host.stdout.write(`The key is in ${await writeProfile(host, flags.profile, { apiKey, accountId, baseUrl })}.\n`);
}

/** Whose key is used, where it was found, and which server it opens. */
export async function whoAmI({ host, flags }: Call): Promise<void> {
  await withSession(host, flags, async ({ client, connection: { baseUrl, keyFrom, apiKey } }) => {
    // An account configured for another server must not hide whose key it is.
    const own = makeClient({ baseUrl, apiKey });
    const [account, user] = await Promise.all([client.accounts.get(), own.users.get('me')]);
    const facts = {
      'Account ID': account.name.replace(/^accounts\//, ''),
      Account: account.name,
      User: user.name,
      Email: user.email,
      Role: user.role,
      Server: baseUrl,
      'API Key': `from ${keyFrom}`,
    };
    for (const [label, value] of Object.entries(facts)) if (value !== '') host.stdout.write(`${label}: ${value}\n`);
  });
}

/** What runs here. */
export async function printVersion({ host, flags, versions }: Call): Promise<void> {
  const { boatload, ...others } = await versions();
  host.stdout.write(`${boatload}\n`);
  if (flags['long'] === true) for (const [part, version] of Object.entries(others)) host.stdout.write(`${part}: ${version}\n`);
}

/** npm brings newer versions; a program that writes over itself would surprise it. */
export async function sayUpgrade({ host, versions }: Call): Promise<void> {
  const { boatload } = await versions();
  host.stdout.write(`This is ${boatload}. Get the newest version:  npm install --global boatload@latest\n`);
}
