/** Writes a run's answers and failures where the person wants them, in input order, whole or not at all. */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Caller, Context } from './actions/context.ts';
import type { FailureCause, RunOutcome, RunSummary } from './cli/doors.ts';
import { listDatasetFiles } from './db/queries/list-dataset-files.ts';
import type { Job } from './jobs/job.ts';
import { readChain, sumChain } from './run-chain.ts';
import type { RunEnd } from './run-follow.ts';
import type { RunPaths } from './run-paths.ts';
import { mergeOutputs } from './actions/merge-outputs.ts';

export interface ExportOptions {
  readonly caller: Caller;
  readonly end: RunEnd;
  readonly paths: RunPaths;
}

export async function exportResults(context: Context, { caller, end, paths }: ExportOptions): Promise<RunSummary> {
  const chain = await readChain(context, caller);
  const causes = end.stopped ? [] : await writeOutputs(context, chain, paths);
  const { ok, failed, inputTokens, outputTokens, cachedTokens } = await sumChain(context, chain);
  const total = chain[0]?.inputRows ?? 0;
  return {
    outcome: outcomeOf(end),
    message: end.job.statusMessage || null,
    total,
    ok,
    failed,
    unfinished: total - ok - failed,
    inputTokens,
    outputTokens,
    cachedTokens,
    elapsedMs: end.elapsedMs,
    output: paths.output ?? '-',
    errors: !end.stopped && failed > 0 ? paths.errors : null,
    causes,
  };
}

const outcomeOf = ({ job, stopped }: RunEnd): RunOutcome => {
  if (stopped) return 'STOPPED';
  const { state } = job;
  return state === 'COMPLETED' || state === 'EXPIRED' || state === 'CANCELLED' ? state : 'FAILED';
};
