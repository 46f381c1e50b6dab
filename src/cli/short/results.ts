import type { ConnectionFlags } from '../connection.ts';
import type { Host } from '../host.ts';
import { withSession } from '../session.ts';
import { saveAnswers } from './answers.ts';

/** `boatload results`. */
export const results = (job: string, flags: ConnectionFlags & { readonly output?: string }, host: Host): Promise<void> =>
  withSession(host, flags, async ({ client }) =>
    saveAnswers(client, await client.jobs.get(job), { host, path: flags.output ?? '-' }),
  );
