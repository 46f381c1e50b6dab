/** The answers of a job that still runs: those that are committed, and with `--follow` those to come. */
import type { Client } from '../../client/client.ts';
import type { Results } from '../../client/results.ts';
import type { BatchInferenceJob } from '../../contract/job.ts';
import { LineSplitter } from '../../jsonl/split-lines.ts';
import { formatRows } from '../figures.ts';
import { idOf } from '../firectl/message.ts';
import type { Host } from '../host.ts';
import { openScreen } from '../screen.ts';
import { type AnswerRow, saveRows, toAnswerRow } from './answers.ts';
import { stateOf } from './follow.ts';
import { errorsPathOf } from './output-path.ts';

/** Where to, and for how long. */
export interface CommittedFlags {
  readonly host: Host;
  /** `-` is stdout. */
  readonly path: string;
  readonly follow: boolean;
}

/** What has come. */
interface Tally {
  answer: number;
  failure: number;
  isComplete: boolean;
}

/** Saves them in the order in which they were committed, failures beside them, and says on stderr how far the job is. */
export async function saveCommitted(client: Client, job: BatchInferenceJob, flags: CommittedFlags): Promise<void> {
  const { host, path, follow } = flags;
  const tally: Tally = { answer: 0, failure: 0, isComplete: false };
  await saveRows(counted(client.jobs.results(job.name, { follow }), tally), { host, path, errors: errorsPathOf(path) });
  const screen = await openScreen(host);
  screen.line(`  ${sentence(await client.jobs.get(job.name), tally)}`);
}

async function* counted(results: Results, tally: Tally): AsyncGenerator<AnswerRow> {
  for await (const { text, isComplete } of results.pages()) {
    const splitter = new LineSplitter({ maxLineBytes: Number.MAX_SAFE_INTEGER });
    for (const { bytes } of splitter.push(Buffer.from(text))) {
      const row = toAnswerRow(bytes);
      tally[row.kind] += 1;
      yield row;
    }
    tally.isComplete = isComplete;
  }
}

function sentence(job: BatchInferenceJob, { answer, failure, isComplete }: Tally): string {
  const failed = failure === 0 ? '' : `, ${formatRows(failure)} failed`;
  const came = `${formatRows(answer)} answered${failed}`;
  if (isComplete) return `${came}; the job is ${stateOf(job)}`;
  const total = job.jobProgress === null ? '' : ` of ${formatRows(job.jobProgress.totalInputRequests)}`;
  return `so far ${came}${total}: job ${idOf(job.name)} is ${stateOf(job)}; --follow goes on until it has ended`;
}
