/** `boatload jobs`. */
import type { BatchInferenceJob } from '../../contract/job.ts';
import type { ConnectionFlags } from '../connection.ts';
import { formatDuration } from '../figures.ts';
import { idOf } from '../firectl/message.ts';
import { type Column, printTable } from '../firectl/print.ts';
import type { Host } from '../host.ts';
import { withSession } from '../session.ts';
import { stateOf } from './follow.ts';

/** Its flags as they were given. */
export interface JobsFlags extends ConnectionFlags {
  readonly n: number;
  readonly filter?: string;
  readonly json?: true;
}

/** Prints them, the newest first. */
export async function jobs(flags: JobsFlags, host: Host): Promise<void> {
  await withSession(host, flags, async ({ client }) => {
    const listing = client.jobs.list({ orderBy: 'create_time desc', pageSize: flags.n, filter: flags.filter });
    for await (const { entries } of listing.pages()) {
      if (flags.json) for (const job of entries) host.stdout.write(`${JSON.stringify(job)}\n`);
      else printTable(host.stdout, entries, columnsAt(host.date().getTime()));
      return;
    }
  });
}

const columnsAt = (nowMs: number): readonly Column<BatchInferenceJob>[] => [
  ['JOB', ({ name }) => idOf(name)],
  ['STATE', stateOf],
  ['DONE', ({ jobProgress }) => (jobProgress === null ? '' : `${jobProgress.percent} %`)],
  ['ROWS', ({ jobProgress }) => (jobProgress === null ? '' : String(jobProgress.totalInputRequests))],
  ['FAILED', ({ jobProgress }) => (jobProgress === null ? '' : String(jobProgress.failedRequests))],
  ['MODEL', ({ model }) => idOf(model)],
  ['AGE', ({ createTime }) => formatDuration(Math.max(0, nowMs - Date.parse(createTime)))],
];
