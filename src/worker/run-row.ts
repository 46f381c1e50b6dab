/** One row, from its line to its result: as many attempts as it takes and the limit allows. */

import { setTimeout as delay } from 'node:timers/promises';
import { crashPoint } from '../base/crash-point.ts';
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
    const { result, verdict, customId } = await tryRow(run, row, { slot, signal });
    if (result !== undefined) return { kind: 'result', result };
    if (signal.aborted) return { kind: 'aborted' };
    const { hopeless } = run;
    if (hopeless !== undefined && !run.isOneOfSeveral) return { kind: 'fatal', message: verdict.message };
    // A busy engine's refusal says nothing about the row.
    if (!verdict.refused) attempt += 1;
    if (attempt > run.attempts || hopeless !== undefined) return { kind: 'result', result: givenUp(verdict, customId) };
    try {
      await delay(nextAttempt(attempt, verdict.retryAfterMs), undefined, { signal });
      slot = await run.pool.acquire(run.accountId, signal);
    } catch {
      return { kind: 'aborted' };
    }
  }
}

interface Tried {
  readonly verdict: Verdict;
  readonly customId: Buffer;
  /** Present when the row needs no further attempt. */
  readonly result?: ResultRow;
}

async function tryRow(
  run: JobRun,
  row: ReadableRow,
  { slot, signal }: { readonly slot: Slot; readonly signal: AbortSignal },
): Promise<Tried> {
  const { customId, path, body } = makeRequest(run, row, slot);
  crashPoint('dispatch.before-request');
  const reply = await slot.answer({ path, body }, signal);
  crashPoint('dispatch.after-answer');
  const verdict = classifyReply(reply);
  slot.release(signal.aborted ? undefined : verdict);
  if (!signal.aborted) run.learn(verdict);
  if (verdict.verdict !== 'success' && verdict.verdict !== 'terminal') return { verdict, customId };
  // Too large an answer, or an engine that died of the row: another try would end the same.
  if (reply.kind === 'silence') return { verdict, customId, result: givenUp(verdict, customId) };
  const result = toResult(customId, reply);
  return result.kind === 'broken' ? { verdict: brokenAnswer(result.message), customId } : { verdict, customId, result };
}

/** An answer that can't be kept is the engine's failure, whatever its status says. */
const brokenAnswer = (message: string): Verdict => ({
  verdict: 'retry',
  cause: 'broken-answer',
  message,
  status: 502,
  refused: false,
});

const givenUp = ({ status, message, cause }: Verdict, customId: Buffer): ResultRow =>
  toFailure(customId, { code: status ?? 503, message, type: cause });

/** What a row ends as whose model nobody answers for, where the job's other models may have engines that do. */
export const refuseRow = (run: JobRun, { line, row }: ReadableRow, verdict: Verdict): ResultRow =>
  givenUp(verdict, run.requestsFor(run.model).make(line, row).customId);

/** A row that no request can be made of is our defect; it must not keep its place at the engine. */
function makeRequest(run: JobRun, { line, row }: ReadableRow, slot: Slot): ReturnType<ReturnType<JobRun['requestsFor']>['make']> {
  try {
    return run.requestsFor(slot.model).make(line, row);
  } catch (cause) {
    slot.release();
    throw cause;
  }
}
