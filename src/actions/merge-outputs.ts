/** The results of a job, or of a whole chain of continued jobs, as one stream: every answered row once, in input order. */

import { OUTPUT_FILES } from '../contract/dataset.ts';
import type { Job } from '../jobs/job.ts';
import { type ChainOutput, mergeChain } from '../jobs/merge-chain.ts';
import { bareRowId } from '../jobs/row-format.ts';
import { lineId } from '../jsonl/line-id.ts';
import type { Context } from './context.ts';
import { readLines } from './read-lines.ts';

export interface MergedRow {
  readonly kind: 'success' | 'failure';
  /** With its line end. */
  readonly line: Buffer;
}

type StoreContext = Pick<Context, 'store' | 'objects'>;

/** `chain` is oldest first, of jobs that have ended; rows that no job of it has got to are left out. */
export async function* mergeOutputs(context: StoreContext, chain: readonly Job[]): AsyncGenerator<MergedRow> {
  const [first, ...others] = chain;
  if (first === undefined) return;
  if (others.length === 0) yield* readResults(context, first);
  else yield* mergeInInputOrder(context, chain);
}

async function* readResults(context: StoreContext, job: Job): AsyncGenerator<MergedRow> {
  const output = openOutput(context, job);
  for await (const line of output.successes) yield { kind: 'success', line: withEnd(line) };
  for await (const line of output.failures) yield { kind: 'failure', line: withEnd(line) };
}

/** The same, successes and failures of a single job in input order too: for that its input is read once more. */
export async function* mergeInInputOrder(context: StoreContext, chain: readonly Job[]): AsyncGenerator<MergedRow> {
  const [first] = chain;
  if (first === undefined) return;
  const outputs = chain.map((job) => openOutput(context, job));
  for await (const row of mergeChain(readIds(context, first), outputs)) {
    if (row.kind !== 'none') yield { kind: row.kind, line: withEnd(row.line) };
  }
}

const openOutput = (context: StoreContext, { accountId, outputDatasetId }: Job): ChainOutput => {
  const linesOf = (name: string) => readLines(context, { accountId, datasetId: outputDatasetId, name });
  return { successes: linesOf(OUTPUT_FILES.results), failures: linesOf(OUTPUT_FILES.errors) };
};

/** The ids of the input's rows, in order. */
async function* readIds(context: StoreContext, { accountId, inputDatasetId, rowFormat }: Job): AsyncGenerator<Buffer> {
  let row = 0;
  for await (const line of readLines(context, { accountId, datasetId: inputDatasetId })) {
    const id = rowFormat === 'bare' ? Buffer.from(bareRowId(row)) : lineId(line);
    if (id !== undefined) yield id;
    row += 1;
  }
}

const LINE_END = Buffer.from('\n');
const withEnd = (line: Buffer): Buffer => Buffer.concat([line, LINE_END]);
