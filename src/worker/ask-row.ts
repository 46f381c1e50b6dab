/** One row asked once, or where it is a straggler a second time: the first answer is kept, and the other request is dropped. */
import type { Slot } from '../engines/pool.ts';
import { follow } from './follow.ts';
import type { Hedges } from './hedges.ts';
import type { JobRun } from './job-run.ts';
import type { ReadableRow } from './read-rows.ts';
import { type RowOutcome, runRow } from './run-row.ts';

interface First {
  readonly slot: Slot;
  readonly signal: AbortSignal;
}

/** Runs a row whose first slot is already taken. */
export const askRow = (run: JobRun, row: ReadableRow, first: First): Promise<RowOutcome> =>
  run.hedges === undefined ? runRow(run, row, first) : askHedged(run, run.hedges, { row, first });

interface HedgedRow {
  readonly row: ReadableRow;
  readonly first: First;
}

async function askHedged(run: JobRun, hedges: Hedges, { row, first: { slot, signal } }: HedgedRow): Promise<RowOutcome> {
  // Whichever is left when the row has ended goes with it.
  const end = new AbortController();
  const unfollow = follow(signal, end);
  const watched = hedges.watch();
  try {
    const original = runRow(run, row, { slot, signal: end.signal });
    const early = await Promise.race([original, watched.late]);
    if (early !== undefined) return early;
    const again = askAgain(run, row, { slot, signal: end.signal });
    const best = await better(original, again);
    if (best.isSecond) hedges.won();
    return best.outcome;
  } finally {
    hedges.ended(watched);
    unfollow();
    end.abort();
  }
}

/** At another engine than the one that lets the row wait, where one has room. Without a place the original alone goes on. */
async function askAgain(run: JobRun, row: ReadableRow, { slot: late, signal }: First): Promise<RowOutcome> {
  const slot = run.pool.placeBeside(late.of) ?? (await run.pool.acquire(run.accountId, signal).catch(() => undefined));
  return slot === undefined ? { kind: 'aborted' } : runRow(run, row, { slot, signal });
}

interface Best {
  readonly outcome: RowOutcome;
  readonly isSecond: boolean;
}

/** The first that is an answer; where neither is, how the original ended. */
async function better(original: Promise<RowOutcome>, again: Promise<RowOutcome>): Promise<Best> {
  const [first, second] = [
    original.then((outcome) => ({ outcome, isSecond: false })),
    again.then((outcome) => ({ outcome, isSecond: true })),
  ];
  const earliest = await Promise.race([first, second]);
  if (isAnswer(earliest)) return earliest;
  const other = await (earliest.isSecond ? first : second);
  return isAnswer(other) || earliest.isSecond ? other : earliest;
}

const isAnswer = ({ outcome }: Best): boolean => outcome.kind === 'result' && outcome.result.kind === 'success';
