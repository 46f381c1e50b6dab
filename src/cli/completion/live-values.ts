/** Names that only the server knows, for the Tab key: soon, or not at all. */
import type { Client } from '../../client/client.ts';
import { idOf } from '../firectl/message.ts';
import type { Host } from '../host.ts';
import { withSession } from '../session.ts';
import type { Candidate, FindLive } from './complete.ts';

/** Nobody waits longer for a Tab. */
const PATIENCE_MS = 2_000;
const MOST = 100;
/** Models that everybody may use. */
const PUBLIC_ACCOUNT = 'fireworks';

/** Makes the finder; a server that isn't there knows no names. */
export const makeFindLive =
  (host: Host): FindLive =>
  async (what) => {
    try {
      return await withSession(host, {}, ({ client }) => FINDERS[what](client, AbortSignal.timeout(PATIENCE_MS)));
    } catch {
      return [];
    }
  };

type Finder = (client: Client, signal: AbortSignal) => Promise<readonly Candidate[]>;

const FINDERS: Readonly<Record<Parameters<FindLive>[0], Finder>> = {
  jobs: ({ jobs }, signal) =>
    firstOf(jobs.list({ orderBy: 'create_time desc', pageSize: MOST, signal }), ({ name, state }) => [
      name,
      state.replace('JOB_STATE_', ''),
    ]),
  datasets: ({ datasets }, signal) =>
    firstOf(datasets.list({ orderBy: 'create_time desc', pageSize: MOST, signal }), ({ name, exampleCount }) => [
      name,
      `${exampleCount} rows`,
    ]),
  models: async ({ models }, signal) => {
    const lists = [{}, { accountId: PUBLIC_ACCOUNT }].map((where) =>
      firstOf(models.list({ ...where, pageSize: MOST, signal }), ({ name, displayName }) => [name, displayName]),
    );
    return (await Promise.all(lists)).flat();
  },
  engines: ({ engines }, signal) => firstOf(engines.list({ pageSize: MOST, signal }), ({ name, state }) => [name, state]),
  users: ({ users }, signal) => firstOf(users.list({ pageSize: MOST, signal }), ({ name, role }) => [name, role]),
};

async function firstOf<T>(
  listing: AsyncIterable<T>,
  describe: (entry: T) => readonly [name: string, about: string],
): Promise<readonly Candidate[]> {
  const found: Candidate[] = [];
  for await (const entry of listing) {
    const [name, about] = describe(entry);
    if (found.push({ value: idOf(name), about }) === MOST) break;
  }
  return found;
}
