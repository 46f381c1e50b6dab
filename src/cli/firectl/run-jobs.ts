/** `batch-inference-job create`. */
import { Problem } from '../../base/problem.ts';
import type { NewJob } from '../../client/jobs.ts';
import type { BatchInferenceJob } from '../../contract/job.ts';
import { withSession } from '../session.ts';
import { idOf, toMessage } from './message.ts';
import { argument, type Call, textOf } from './operation.ts';
import { printResource } from './print.ts';
import { formatOf } from './run-standard.ts';
import type { Kind } from './standard.ts';

/** Starts the job and prints it; with `--wait`, when it has ended. */
export async function createJob(call: Call, kind: Kind<BatchInferenceJob>): Promise<void> {
  const { host, flags } = call;
  const { name: _, ...message } = toMessage(kind.flags, flags);
  const id = textOf(flags, 'jobId');
  const print = (job: object) => {
    if (!flags['quiet']) printResource(host.stdout, job, { format: formatOf(flags), flags: kind.flags });
  };
  if (flags['dryRun']) return print({ ...(id && { name: id }), ...message });
  await withSession(host, flags, async ({ client }) => {
    // The flags' own rules are looser than the server's, which has the last word.
    const job = await client.jobs.create(message as NewJob, { id });
    if (!flags['wait']) return print(job);
    const timeoutMs = typeof flags['waitTimeout'] === 'number' ? flags['waitTimeout'] : undefined;
    const ended = await client.waitForJob(job.name, { timeoutMs });
    print(ended);
    if (ended.state !== 'JOB_STATE_COMPLETED') throw notCompleted(ended);
  });
}

/** `cancel`, `pause`, `resume`. */
export async function moveJob(
  call: Call,
  { kind, verb }: { readonly kind: Kind<BatchInferenceJob>; readonly verb: 'cancel' | 'pause' | 'resume' },
): Promise<void> {
  const { host, flags } = call;
  const name = argument(call, 0);
  const print = { format: formatOf(flags), flags: kind.flags };
  if (flags['dryRun']) return printResource(host.stdout, { name }, print);
  printResource(host.stdout, await withSession(host, flags, ({ client }) => client.jobs[verb](name)), print);
}

const notCompleted = ({ name, state, status }: BatchInferenceJob): Problem =>
  new Problem('ABORTED', `Job ${idOf(name)} ended as ${state}${status.message === '' ? '' : `: ${status.message}`}`, {
    reason: 'JOB_NOT_COMPLETED',
  });
