/** `boatload job`. */
import type { ConnectionFlags } from '../connection.ts';
import { toText } from '../firectl/print.ts';
import type { Host } from '../host.ts';
import { withSession } from '../session.ts';

/** Its flags as they were given. */
export interface JobFlags extends ConnectionFlags {
  readonly why?: true;
  readonly json?: true;
}

/** Prints the job; with `--why` the reason for its state and its history. */
export async function showJob(name: string, flags: JobFlags, host: Host): Promise<void> {
  await withSession(host, flags, async ({ client }) => {
    const job = await client.jobs.get(name);
    host.stdout.write(flags.json ? `${JSON.stringify(job)}\n` : toText(job));
  });
}
