/** A job of the server, followed until it has ended, and what is said of it then. */
import { Problem } from '../../base/problem.ts';
import type { Client } from '../../client/client.ts';
import type { BatchInferenceJob } from '../../contract/job.ts';
import { badLinesText } from '../bad-lines.ts';
import type { RunOutcome, RunProgress } from '../doors.ts';
import { EXIT, exitCodeOfRun } from '../exit.ts';
import { idOf } from '../firectl/message.ts';
import type { Host } from '../host.ts';
import { MovingLine } from '../moving-line.ts';
import { openScreen, type Screen } from '../screen.ts';
import { headline } from '../summary.ts';
import { saveAnswers } from './answers.ts';
import type { OutputFlags } from './output-path.ts';

/** Somebody watches a terminal; a log may be slower. */
const LIVE_INTERVAL_MS = 500;

/** How to follow, and what to do at the end. */
export interface FollowFlags extends OutputFlags {
  readonly wait?: true;
  readonly allowFailures?: true;
}

/** Shows how it goes, says how it ended, saves the answers when that was asked for, and answers the exit code. */
export async function follow(
  client: Client,
  name: string,
  { host, flags }: { readonly host: Host; readonly flags: FollowFlags },
): Promise<number> {
  const screen = await openScreen(host);
  const job = await watchToEnd(client, name, { host, screen });
  if (job === undefined) return EXIT.interrupted;
  const badLines = await findBadLines(client, job, screen);
  for (const line of badLines ?? endLines(job, screen)) screen.line(line);
  if (badLines !== undefined) return EXIT.usage;
  if (flags.output === undefined) for (const line of nextLines(job)) screen.line(line);
  else await saveAnswers(client, job, { host, path: flags.output });
  return exitCodeOfRun({ outcome: outcomeOf(job), failed: progressOf(job).failed }, flags.allowFailures === true);
}

/** Undefined when the person stopped watching. */
async function watchToEnd(
  client: Client,
  name: string,
  { host, screen }: { readonly host: Host; readonly screen: Screen },
): Promise<BatchInferenceJob | undefined> {
  const leave = new AbortController();
  const undo = host.onSignal('SIGINT', () => leave.abort());
  const line = new MovingLine({ host, screen, hint: () => '(Ctrl-C stops watching, the job goes on)' });
  let shown = '';
  const onProgress = (job: BatchInferenceJob) => {
    const state = stateOf(job);
    if (state !== shown) screen.line(`· ${state.toLowerCase().replaceAll('_', ' ')}`);
    shown = state;
    if (state === 'RUNNING' || state === 'WRITING_RESULTS') line.progress(toRunProgress(job, host.date().getTime()));
  };
  try {
    const intervalMs = screen.live ? LIVE_INTERVAL_MS : undefined;
    return await client.waitForJob(name, { signal: leave.signal, intervalMs, onProgress });
  } catch (error) {
    if (!leave.signal.aborted) throw error;
    line.clear();
    screen.line(`  the job goes on; watch it again:  boatload watch ${idOf(name)}`);
    return undefined;
  } finally {
    line.close();
    undo();
  }
}

/** `RUNNING`. */
export const stateOf = ({ state }: BatchInferenceJob): string => state.replace(/^JOB_STATE_/, '');

const progressOf = ({ jobProgress }: BatchInferenceJob) => ({
  total: jobProgress?.totalInputRequests ?? 0,
  ok: jobProgress?.successfullyProcessedRequests ?? 0,
  failed: jobProgress?.failedRequests ?? 0,
  inputTokens: jobProgress?.inputTokens ?? 0,
  outputTokens: jobProgress?.outputTokens ?? 0,
  cachedTokens: jobProgress?.cachedInputTokenCount ?? 0,
});

const elapsedMsOf = ({ lifecycle, createTime }: BatchInferenceJob, nowMs: number): number =>
  Date.parse(lifecycle?.endTime ?? new Date(nowMs).toISOString()) - Date.parse(lifecycle?.runStartTime ?? createTime);

const toRunProgress = (job: BatchInferenceJob, nowMs: number): RunProgress => ({
  ...progressOf(job),
  elapsedMs: Math.max(0, elapsedMsOf(job, nowMs)),
  doneBefore: 0,
});

const OUTCOMES: Readonly<Record<string, RunOutcome>> = { COMPLETED: 'COMPLETED', EXPIRED: 'EXPIRED', CANCELLED: 'CANCELLED' };
const outcomeOf = (job: BatchInferenceJob): RunOutcome => OUTCOMES[stateOf(job)] ?? 'FAILED';

function endLines(job: BatchInferenceJob, { colors }: Screen): readonly string[] {
  const progress = progressOf(job);
  const unfinished = progress.total - progress.ok - progress.failed;
  const first = headline({ ...progress, unfinished, outcome: outcomeOf(job), elapsedMs: elapsedMsOf(job, Date.now()) }, colors);
  return [first, ...(job.status.message === '' ? [] : [`  ${job.status.message}`])];
}

/** Every bad line of an input that was refused, as `boatload run` shows them; undefined when the job got further. */
async function findBadLines(
  client: Client,
  { name, status }: BatchInferenceJob,
  { colors }: Screen,
): Promise<readonly string[] | undefined> {
  if (status.code !== 'INVALID_ARGUMENT') return undefined;
  const report = await client.jobs.validationReport(name);
  const problem = new Problem('INVALID_ARGUMENT', status.message, { reason: 'INVALID_DATASET', details: { ...report } });
  return report.count === 0 ? undefined : badLinesText(problem, colors);
}

function nextLines(job: BatchInferenceJob): readonly string[] {
  const { total, ok, failed } = progressOf(job);
  const id = idOf(job.name);
  return [
    ...(ok + failed > 0 ? [`  answers:  boatload results ${id} -o ${id}.answers.jsonl`] : []),
    ...(ok < total ? [`  ${ok + failed < total ? 'go on' : 'retry just those'}:  boatload retry ${id}`] : []),
  ];
}
