/** `boatload job`. */
import type { Jobs } from '../../client/jobs.ts';
import type { BatchInferenceJob } from '../../contract/job.ts';
import type { ConnectionFlags } from '../connection.ts';
import { idOf } from '../firectl/message.ts';
import { toText } from '../firectl/print.ts';
import type { Host } from '../host.ts';
import { withSession } from '../session.ts';
import { stateOf } from './follow.ts';

/** Its flags as they were given. */
export interface JobFlags extends ConnectionFlags {
  readonly why?: true;
  readonly json?: true;
}

/** Prints the job; with `--why` the reason for its state and its history. */
export async function showJob(name: string, flags: JobFlags, host: Host): Promise<void> {
  await withSession(host, flags, async ({ client }) => {
    const job = await client.jobs.get(name);
    const events = flags.why ? await client.jobs.events(job.name) : undefined;
    if (flags.json) host.stdout.write(`${JSON.stringify({ ...job, ...(events && { events }) })}\n`);
    else host.stdout.write(events === undefined ? toText(job) : whyText(job, events));
  });
}

/** `my-job is RUNNING: …`, and below it what happened, when. */
function whyText(job: BatchInferenceJob, events: Awaited<ReturnType<Jobs['events']>>): string {
  const head = `${idOf(job.name)} is ${stateOf(job)}${job.stateReason === '' ? '' : `: ${job.stateReason}`}\n`;
  return head + events.map(({ time, message }) => `  ${time.slice(0, 19).replace('T', ' ')}  ${message}\n`).join('');
}
