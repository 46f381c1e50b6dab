import { isFinalState } from '../../client/jobs.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { Host } from '../host.ts';
import { withSession } from '../session.ts';
import { saveAnswers } from './answers.ts';
import { saveCommitted } from './committed.ts';
import { checkIsFree, type OutputFlags } from './output-path.ts';

/** Its flags as they were given. */
export interface ResultsFlags extends ConnectionFlags, OutputFlags {
  readonly follow?: true;
}

/** `boatload results`: of a job that runs, what is committed. */
export async function results(name: string, flags: ResultsFlags, host: Host): Promise<void> {
  checkIsFree(flags);
  const path = flags.output ?? '-';
  await withSession(host, flags, async ({ client }) => {
    const job = await client.jobs.get(name);
    if (isFinalState(job.state)) await saveAnswers(client, job, { host, path });
    else await saveCommitted(client, job, { host, path, follow: flags.follow === true });
  });
}
