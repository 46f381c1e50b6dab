/** One row of a job whose rows with the same request are asked once. */
import { createHash } from 'node:crypto';
import type { Slot } from '../engines/pool.ts';
import { askRow } from './ask-row.ts';
import type { JobRun } from './job-run.ts';
import type { ReadableRow } from './read-rows.ts';
import type { RowOutcome } from './run-row.ts';
import type { Twins } from './twins.ts';

/** Runs a row as `askRow` does, unless a twin of it has an answer or comes to one. */
export async function runTwin(
  run: JobRun,
  twins: Twins,
  { row, first }: { readonly row: ReadableRow; readonly first: { readonly slot: Slot; readonly signal: AbortSignal } },
): Promise<RowOutcome> {
  const { customId, request } = identify(run, row, first.slot);
  if (!twins.has(request)) {
    const outcome = askRow(run, row, first);
    void twins.ask(
      request,
      customId,
      outcome.then((end) => (end.kind === 'result' ? end.result : undefined)),
    );
    return outcome;
  }
  first.slot.release();
  const { signal } = first;
  const result = await twins.copy(request, customId, signal);
  if (result !== undefined) return { kind: 'result', result };
  try {
    return await askRow(run, row, { slot: await run.pool.acquire(run.accountId, signal), signal });
  } catch (cause) {
    if (signal.aborted) return { kind: 'aborted' };
    throw cause;
  }
}

/** Whatever engine gets it: a request is named by what the model's name makes of it, not by what an engine calls the model. */
function identify(run: JobRun, { line, row }: ReadableRow, slot: Slot): { readonly customId: Buffer; readonly request: string } {
  try {
    const { customId, path, body } = run.requestsFor(run.model).make(line, row);
    const hash = createHash('sha256').update(path).update('\n');
    for (const piece of body) hash.update(piece);
    return { customId, request: hash.digest('base64') };
  } catch (cause) {
    slot.release();
    throw cause;
  }
}
