/** Says on a job's timeline how many of its rows took the answer of one with the same request. */
import type { RowContext } from './worker-context.ts';

/** A job that was deleted meanwhile has no timeline any more; a database in trouble is told by others. */
export async function tellCopies(
  { jobs, clock, log }: Pick<RowContext, 'jobs' | 'clock' | 'log'>,
  { jobUid, rows }: { readonly jobUid: string; readonly rows: number },
): Promise<void> {
  const message = `${rows.toLocaleString('en-US')} rows took the answer of a row with the same request: they were not asked, and cost no tokens.`;
  try {
    await jobs.note({ jobUid, at: clock.now(), kind: 'rows-copied', message, details: { rows } });
  } catch (cause) {
    log.warn({ cause, jobUid }, 'cannot note an event');
  }
}
