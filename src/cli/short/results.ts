import type { ConnectionFlags } from '../connection.ts';
import type { Host } from '../host.ts';
import { withSession } from '../session.ts';
import { saveAnswers } from './answers.ts';
import { checkIsFree, type OutputFlags } from './output-path.ts';

/** `boatload results`. */
export async function results(job: string, flags: ConnectionFlags & OutputFlags, host: Host): Promise<void> {
  checkIsFree(flags);
  await withSession(host, flags, async ({ client }) =>
    saveAnswers(client, await client.jobs.get(job), { host, path: flags.output ?? '-' }),
  );
}
