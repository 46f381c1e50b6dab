/** Says on a job's timeline how many of its rows were not asked, as others asked the same, and how many were asked twice. */
import type { JobNote } from '../jobs/leased-jobs.ts';
import type { RowContext } from './worker-context.ts';

interface Told {
  readonly context: Pick<RowContext, 'jobs' | 'clock' | 'log'>;
  readonly jobUid: string;
}

/** Rows that took the answer of one with the same request. */
export const tellCopies = (of: Told, rows: number): Promise<void> =>
  tell(of, {
    kind: 'rows-copied',
    message: `${inWords(rows)} rows took the answer of a row with the same request: they were not asked, and cost no tokens.`,
    details: { rows },
  });

/** Stragglers that were asked a second time. */
export const tellHedges = (of: Told, hedged: { readonly hedges: number; readonly wins: number }): Promise<void> =>
  tell(of, {
    kind: 'rows-hedged',
    message: `${inWords(hedged.hedges)} of the last rows took far longer than the others and were asked a second time, which answered first for ${inWords(hedged.wins)}.`,
    details: { ...hedged },
  });

/** A job that was deleted meanwhile has no timeline any more; a database in trouble is told by others. */
async function tell({ context: { jobs, clock, log }, jobUid }: Told, note: Omit<JobNote, 'jobUid' | 'at'>): Promise<void> {
  try {
    await jobs.note({ ...note, jobUid, at: clock.now() });
  } catch (cause) {
    log.warn({ cause, jobUid }, 'cannot note an event');
  }
}

const inWords = (count: number): string => count.toLocaleString('en-US');
