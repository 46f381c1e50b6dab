/** The job behind a run: a new one, the one that was interrupted, or one more for the rows that have no answer yet. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { addAbortSignal } from 'node:stream';
import type { Caller, Context } from '../actions/context.ts';
import { continueJob } from '../actions/continue-job.ts';
import { createDataset } from '../actions/create-dataset.ts';
import { createJob } from '../actions/create-job.ts';
import { receiveUpload } from '../actions/receive-upload.ts';
import { Problem } from '../base/problem.ts';
import type { RunRequest, RunView } from '../cli/doors.ts';
import { ensureAccount } from '../db/queries/ensure-account.ts';
import { findDataset } from '../db/queries/find-dataset.ts';
import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import type { Job, JobSettings } from '../jobs/job.ts';
import { isFinal } from '../jobs/states.ts';
import { readChain, unansweredRows } from './run-chain.ts';
import type { RunPaths } from './run-paths.ts';

const INPUT = 'input';

export interface RunJobOptions {
  readonly request: RunRequest;
  readonly paths: RunPaths;
  readonly model: string;
  readonly caller: Caller;
  readonly view: RunView;
  /** Aborted: the input is read no further, and nothing is kept. */
  readonly stop: AbortSignal;
}

export async function beginOrResume(context: Context, options: RunJobOptions): Promise<Job> {
  const { caller, model, request } = options;
  await ensureAccount(context.store.db, { id: caller.accountId });
  await importInput(context, options);
  const chain = await readChain(context, caller);
  const last = chain.at(-1);
  if (last === undefined)
    return createJob(context, caller, { id: 'run-1', model, inputDataset: INPUT, settings: request.settings });
  if (!isFinal(last.state)) return unfinished(last, options);
  if (isRefused(last) || (await unansweredRows(context, chain)) === 0) return last;
  return continueJob(context, caller, {
    id: `run-${chain.length + 1}`,
    continuedFrom: last.id,
    model,
    settings: request.settings,
  });
}

/** Its input can't be run, whatever answers. */
const isRefused = ({ state, planKey }: Job): boolean => state === 'FAILED' && planKey === null;

/** The input is copied in once: what runs later is what was checked, whatever happens to the file meanwhile. */
async function importInput(context: Context, { caller, paths, stop }: RunJobOptions): Promise<void> {
  const dataset = await findDataset(context.store.db, caller.accountId, INPUT);
  if (dataset?.state === 'READY') return checkSameInput(context, caller, paths);
  if (dataset === undefined) await createDataset(context, caller, { id: INPUT });
  try {
    await receiveUpload(context, caller, { datasetId: INPUT, filename: paths.inputName, body: readInput(paths, stop) });
  } catch (cause) {
    if (stop.aborted) throw stoppedEarly(cause);
    throw cause;
  }
}

/** Opened when it is read, so that a stop before finds nothing to break off. */
async function* readInput({ input }: RunPaths, stop: AbortSignal): AsyncGenerator<Uint8Array> {
  stop.throwIfAborted();
  yield* addAbortSignal(stop, input === undefined ? process.stdin : createReadStream(input, { highWaterMark: 1024 * 1024 }));
}

const stoppedEarly = (cause: unknown): Problem =>
  new Problem('CANCELLED', 'Stopped while the input was being read: nothing has run, and nothing is kept.', {
    reason: 'STOPPED_EARLY',
    cause,
  });

/** Row numbers and ids come from the first reading: another file under the same name would put answers under the wrong questions. */
async function checkSameInput(context: Context, { accountId }: Caller, { input, inputName }: RunPaths): Promise<void> {
  const [file] = await listDatasetFiles(context.store.db, accountId, INPUT);
  if (input === undefined || file === undefined) return;
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(input, { highWaterMark: 1024 * 1024 })) hash.update(bytes);
  if (hash.digest('hex') === file.sha256) return;
  throw new Problem(
    'INVALID_ARGUMENT',
    `${inputName} is not the file that this run was begun with: its contents have changed. Put the old file back, or begin anew with another -o.`,
    {
      reason: 'INPUT_CHANGED',
    },
  );
}

/** An interrupted job goes on as it was begun; half of the rows under other settings is what nobody wants. */
function unfinished(job: Job, { model, request, view }: RunJobOptions): Job {
  if (job.model !== model || !sameSettings(job.settings, request.settings)) {
    throw new Problem(
      'INVALID_ARGUMENT',
      `This run was begun with another model or other settings: ${describe(job)}. Give the same ones to go on, or begin anew with another -o.`,
      {
        reason: 'RUN_SETTINGS_CHANGED',
      },
    );
  }
  view.notice('going on with the run that was interrupted');
  return job;
}

const sameSettings = (a: JobSettings, b: JobSettings): boolean => canonical(a) === canonical(b);
const canonical = (settings: JobSettings): string =>
  JSON.stringify(Object.entries(settings).toSorted(([a], [b]) => (a < b ? -1 : 1)));
const describe = ({ model, settings }: Job): string => `${model.split('/').at(-1) ?? model}, ${JSON.stringify(settings)}`;
