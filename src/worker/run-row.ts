/** One row, from its line to its result: as many attempts as it takes and the limit allows. */
import { setTimeout as delay } from 'node:timers/promises';
import { classifyReply, type Verdict } from '../engines/classify-failure.ts';
import type { Slot } from '../engines/pool.ts';
import { type ResultRow, toFailure, toResult } from '../jobs/result-row.ts';
import { nextAttempt } from '../jobs/retry.ts';
import type { JobRun } from './job-run.ts';
import type { ReadableRow } from './read-rows.ts';

export type RowOutcome =
  | { readonly kind: 'result'; readonly result: ResultRow }
  /** The job was stopped or its lease lost: the row belongs to whoever runs it next. */
  | { readonly kind: 'aborted' }
  /** No engine will ever answer any row of this job. */
  | { readonly kind: 'fatal'; readonly message: string };

/** Runs a row whose first slot is already taken. Never rejects for what an engine does. */
export async function runRow(
  run: JobRun,
  row: ReadableRow,
  first: { readonly slot: Slot; readonly signal: AbortSignal },
): Promise<RowOutcome> {
  const { signal } = first;
  let slot = first.slot;
  for (let attempt = 1; ; ) {
    const tried = await tryRow(run, row, { slot, signal });
    if (signal.aborted) return { kind: 'aborted' };
    if (tried.result !== undefined) return { kind: 'result', result: tried.result };
    const { verdict, customId } = tried;
    // A busy engine's refusal says nothing about the row.
    if (!verdict.refused) attempt += 1;
    if (attempt > run.attempts) return givenUp(verdict, customId);
    try {
      await delay(nextAttempt(attempt, verdict.retryAfterMs), undefined, { signal });
      slot = await run.pool.acquire(run.job.uid, signal);
    } catch {
      return { kind: 'aborted' };
    }
  }
}

type Tried =
  | { readonly result: ResultRow }
  | { readonly result?: undefined; readonly verdict: Verdict; readonly customId: Buffer };

async function tryRow(
  run: JobRun,
  row: ReadableRow,
  { slot, signal }: { readonly slot: Slot; readonly signal: AbortSignal },
): Promise<Tried> {
  const { customId, path, body } = run.requestsFor(slot.model).make(row.line, row.row);
  const reply = await slot.answer({ path, body }, signal);
  const verdict = classifyReply(reply);
  slot.release(signal.aborted ? undefined : verdict);
  if (reply.kind === 'answer' && (verdict.verdict === 'success' || verdict.verdict === 'terminal')) {
    const result = toResult(customId, reply);
    if (result.kind !== 'broken') return { result };
    return {
      verdict: { ...verdict, verdict: 'retry', cause: 'broken-answer', message: result.message, refused: false },
      customId,
    };
  }
  return { verdict, customId };
}

function givenUp(verdict: Verdict, customId: Buffer): RowOutcome {
  if (verdict.verdict === 'fatal') return { kind: 'fatal', message: verdict.message };
  return {
    kind: 'result',
    result: toFailure(customId, { code: verdict.status ?? 503, message: verdict.message, type: verdict.cause }),
  };
}
