/** `boatload run`: one file in, one file out. The server's machine room in a folder beside the output, without the server. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Caller } from './actions/context.ts';
import { type Log, makeLog } from './base/log.ts';
import { Problem } from './base/problem.ts';
import type { EstimateRequest, RunEstimate, RunRequest, RunSummary, RunView } from './cli/doors.ts';
import { type Machine, openMachine } from './machine.ts';
import { embeddedPlaces } from './places.ts';
import { estimateRun } from './run/run-estimate.ts';
import { makeRunFolder, removeRunFolder } from './run/run-folder.ts';
import { followJob } from './run/run-follow.ts';
import { beginOrResume } from './run/run-job.ts';
import { chooseModel } from './run/run-model.ts';
import { exportResults } from './run/run-output.ts';
import { checkRunPaths, type RunPaths, toRunPaths } from './run/run-paths.ts';
import { readWorkerLimits } from './settings/read-limits.ts';
import { readPrices } from './settings/read-prices.ts';
import { FoundLimits } from './shelf/found-limits.ts';
import { makeModelShelf, type ShelvedModel } from './shelf/model-shelf.ts';
import { toWriteProblem } from './storage/disk-problem.ts';
import { hostFacts } from './versions.ts';
import { DEFAULT_WORKER_LIMITS } from './worker/worker-context.ts';

/** A run has no deadline that a person would notice: it may be resumed next week. */
const YEAR_SECONDS = 365 * 24 * 3600;
export const RUN_CALLER: Caller = { accountId: 'local', name: 'local' };

export async function run(request: RunRequest, view: RunView, stop: AbortSignal): Promise<RunSummary> {
  view.opened(hostFacts());
  const paths = toRunPaths(request);
  await checkRunPaths(paths);
  const isBegun = checkEarlierRun(paths, request);
  const model = await chooseModel(request, { account: RUN_CALLER.accountId, view, stop, log: () => log });
  await makeRunFolder(paths.folder);
  const log = makeLog({ level: 'info', to: join(paths.folder, 'boatload.log') });
  try {
    const trouble = new AbortController();
    const machine = await openFor(request, {
      paths,
      model,
      log,
      isBegun,
      onTrouble: (cause) => onTrouble(cause, { view, trouble }),
    });
    return await runOn(machine, { request, paths, view, stop, trouble: trouble.signal, model: model.name });
  } catch (cause) {
    throw toWriteProblem(cause, dirname(paths.folder));
  }
}

/** `boatload run --estimate`: reads the input, and asks an engine only for a sample. */
export async function estimate(request: EstimateRequest, view: RunView, stop: AbortSignal): Promise<RunEstimate> {
  const prices = await readPrices(process.env);
  const { outputBytes: outputLimitBytes } = { ...DEFAULT_WORKER_LIMITS, ...readWorkerLimits(process.env) };
  return estimateRun(request, { account: RUN_CALLER.accountId, prices, outputLimitBytes, view, stop });
}

interface Opening {
  readonly paths: RunPaths;
  readonly model: ShelvedModel;
  readonly log: Log;
  /** There is something in the folder to go on with. */
  readonly isBegun: boolean;
  readonly onTrouble: (cause: unknown) => void;
}

async function openFor({ concurrency }: RunRequest, { paths, model, log, isBegun, onTrouble }: Opening): Promise<Machine> {
  try {
    const places = await embeddedPlaces(paths.folder);
    return await openMachine({
      places,
      models: makeModelShelf([model], { concurrency, limits: await FoundLimits.open(places.dataDir) }),
      log,
      bareRows: true,
      limits: { window: { minSeconds: 0, maxSeconds: YEAR_SECONDS, defaultSeconds: YEAR_SECONDS } },
      onTrouble: (_, cause) => onTrouble(cause),
    });
  } catch (cause) {
    // A folder that is in use is another run's, begun since we looked.
    if (!isBegun && !(cause instanceof Problem && cause.reason === 'DATA_DIR_IN_USE')) await removeRunFolder(paths.folder);
    throw cause;
  }
}

interface Running {
  readonly request: RunRequest;
  readonly paths: RunPaths;
  readonly view: RunView;
  readonly stop: AbortSignal;
  /** Aborted with the Problem that only a person can mend. */
  readonly trouble: AbortSignal;
  readonly model: string;
}

async function runOn(machine: Machine, running: Running): Promise<RunSummary> {
  const { request, paths, view, stop, trouble, model } = running;
  let keep = true;
  try {
    const job = await beginOrResume(machine.context, { request, paths, model, caller: RUN_CALLER, view, stop });
    await machine.worker.start();
    const end = await followJob(machine, { caller: RUN_CALLER, jobId: job.id, view, stop: AbortSignal.any([stop, trouble]) });
    if (trouble.aborted) throw trouble.reason;
    const summary = await exportResults(machine.context, { caller: RUN_CALLER, end, paths });
    keep = request.keep || summary.ok < summary.total;
    return summary;
  } catch (cause) {
    // Nothing has run: leave no trace.
    if (cause instanceof Problem && NOTHING_BEGUN.has(cause.reason)) keep = false;
    throw cause;
  } finally {
    await machine.close();
    if (!keep) await removeRunFolder(paths.folder);
  }
}

const NOTHING_BEGUN: ReadonlySet<string> = new Set([
  'INVALID_DATASET',
  'DATASET_TOO_LARGE',
  'DATASET_EMPTY',
  'DATASET_HAS_NO_ROWS',
  'DOWNLOAD_DECLINED',
  'STOPPED_EARLY',
]);

/** Answers that were paid for are never written over, and a run that was begun is never begun twice. True when there is one to go on with. */
function checkEarlierRun({ output, folder }: RunPaths, { resume }: RunRequest): boolean {
  const isBegun = existsSync(folder);
  if (isBegun && !resume) {
    throw new Problem(
      'ALREADY_EXISTS',
      `A run to this output was begun before; its state is in ${folder}. Go on with it: the same command with --resume. Or remove that folder to begin anew.`,
      {
        reason: 'RUN_EXISTS',
      },
    );
  }
  if (!isBegun && output !== undefined && existsSync(output)) {
    const why = resume ? 'there is no run to go on with: it is complete, or was begun elsewhere' : 'is not written over';
    throw new Problem('ALREADY_EXISTS', `${output} exists already and ${why}. Choose another -o, or remove it.`, {
      reason: 'OUTPUT_EXISTS',
    });
  }
  return isBegun;
}

/** Trouble that goes away by itself is told; trouble that only a person can mend stops the run. */
function onTrouble(cause: unknown, { view, trouble }: { readonly view: RunView; readonly trouble: AbortController }): void {
  if (cause instanceof Problem && !FOR_A_PERSON.has(cause.reason)) view.notice(cause.message);
  else trouble.abort(cause);
}

const FOR_A_PERSON: ReadonlySet<string> = new Set([
  'DISK_FULL',
  'STORE_NOT_WRITABLE',
  'DOWNLOAD_DECLINED',
  'DOWNLOAD_FAILED',
  'MODEL_FILE_INVALID',
  'MODEL_FILE_NOT_FOUND',
  'ENGINE_BINARY_MISSING',
  'CONFIRMATION_NEEDED',
  'PART_CORRUPT',
]);
