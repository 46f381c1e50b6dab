/** `boatload retry`: a job for the rows that another one left unfinished or failed. */
import type { JobSettings } from '../../jobs/job.ts';
import type { ConnectionFlags } from '../connection.ts';
import { EXIT } from '../exit.ts';
import { idOf } from '../firectl/message.ts';
import type { Host } from '../host.ts';
import { openScreen } from '../screen.ts';
import { withSession } from '../session.ts';
import { toJobSettings } from '../setting-flags.ts';
import { type FollowFlags, follow } from './follow.ts';
import { checkIsFree } from './output-path.ts';

/** Its flags as they were given. */
export interface RetryFlags extends JobSettings, FollowFlags, ConnectionFlags {
  readonly model?: string;
  readonly name?: string;
}

/** Starts it, says how to go on (or follows), and answers the exit code. The new job's id is on stdout. */
export async function retry(parent: string, flags: RetryFlags, host: Host): Promise<number> {
  checkIsFree(flags);
  const screen = await openScreen(host);
  return withSession(host, flags, async ({ client }) => {
    const wish = { continuedFromJobName: parent, ...(flags.model && { model: flags.model }), ...toJobSettings(flags) };
    const job = await client.jobs.create(wish, { id: flags.name });
    const id = idOf(job.name);
    screen.line(`${screen.colors.green('✓')} job ${id} continues ${idOf(parent)} on ${idOf(job.model)}`);
    if (flags.output !== '-') host.stdout.write(`${id}\n`);
    if (flags.wait || flags.output !== undefined) return follow(client, job.name, { host, flags });
    screen.line(`  watch it:  boatload watch ${id}`);
    screen.line(`  answers of the whole chain:  boatload results ${id} -o ${id}.answers.jsonl`);
    return EXIT.ok;
  });
}
