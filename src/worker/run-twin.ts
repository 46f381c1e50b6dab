/** One row of a job whose rows with the same request are asked once. */
import { createHash } from 'node:crypto';
import type { Slot } from '../engines/pool.ts';
import { askRow } from './ask-row.ts';
import type { JobRun } from './job-run.ts';
import type { ReadableRow } from './read-rows.ts';
import { type RowOutcome, refuseRow } from './run-row.ts';
import type { Twin, Twins } from './twins.ts';

/** Runs a row as `askRow` does, unless a twin of it has an answer or comes to one. */
export async function runTwin(
  run: JobRun,
  twins: Twins,
  { row, first }: { readonly row: ReadableRow; readonly first: { readonly slot: Slot; readonly signal: AbortSignal } },
): Promise<RowOutcome> {
  const twin = identify(run, row, first.slot);
  if (!twins.has(twin.request)) {
    const outcome = askRow(run, row, first);
    void twins.ask(
      twin,
      outcome.then((end) => (end.kind === 'result' ? end.result : undefined)),
    );
    return outcome;
  }
  first.slot.release();
  const { signal } = first;
  const result = await twins.copy(twin, signal);
  return result === undefined ? askItself(run, row, signal) : { kind: 'result', result };
}

/** Its twin came to no answer. */
async function askItself(run: JobRun, row: ReadableRow, signal: AbortSignal): Promise<RowOutcome> {
  const { refusal } = run;
  if (refusal !== undefined && !signal.aborted) return { kind: 'result', result: refuseRow(run, row, refusal) };
  try {
    return await askRow(run, row, { slot: await run.pool.acquire(run.accountId, signal), signal });
  } catch (cause) {
    if (signal.aborted) return { kind: 'aborted' };
    throw cause;
  }
}

/** Whatever engine gets it: a request is named by what the model's name makes of it, not by what an engine calls the model. */
function identify(run: JobRun, { line, row }: ReadableRow, slot: Slot): Twin {
  try {
    const { customId, path, body } = run.requestsFor(run.model).make(line, row);
    const hash = createHash('sha256').update(path).update('\n');
    for (const piece of body) hash.update(piece);
    return { customId, request: hash.digest('base64'), bytes: line.length };
  } catch (cause) {
    slot.release();
    throw cause;
  }
}
