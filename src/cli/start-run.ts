/** What `boatload run` does: opens the door, shows how it goes, says how it ended. */
import { Problem } from '../base/problem.ts';
import type { JobSettings } from '../jobs/job.ts';
import type { CommandContext } from './command.ts';
import type { RunRequest, RunSummary } from './doors.ts';
import { readEngineKey } from './engine-key.ts';
import { exitCodeOfRun } from './exit.ts';
import type { Host } from './host.ts';
import { ScreenRunView } from './run-view.ts';
import { openScreen } from './screen.ts';
import { startEstimate } from './start-estimate.ts';
import { listenForStop } from './stop-signals.ts';
import { summaryLines } from './summary.ts';

/** The flags as they were given; absent ones are absent. */
export interface RunFlags extends JobSettings {
  /** Absent where only an estimate is wished. */
  readonly output?: string;
  readonly estimate?: true;
  readonly sample?: number;
  readonly model?: string;
  readonly engine?: string;
  readonly engineKeyFile?: string;
  readonly concurrency?: number;
  readonly resume?: true;
  readonly keep?: true;
  readonly json?: true;
  readonly yes?: true;
  readonly allowFailures?: true;
}

interface GivenRun {
  readonly input: string;
  readonly flags: RunFlags;
}

const SETTINGS = [
  'maxTokens',
  'temperature',
  'topP',
  'topK',
  'n',
  'extraBody',
  'systemPrompt',
  'askIdenticalRowsOnce',
] as const satisfies readonly (keyof JobSettings)[];

/** Runs to the end and answers the exit code; throws what the door throws. */
export async function startRun(given: GivenRun, context: CommandContext): Promise<number> {
  try {
    if (given.flags.estimate) return await estimate(given, context);
    const summary = await runToEnd(given, context);
    if (given.flags.json) writeJson(context.host, summary);
    return exitCodeOfRun(summary, given.flags.allowFailures === true);
  } catch (error) {
    if (given.flags.json) writeJson(context.host, { error: toErrorObject(error) });
    throw error;
  }
}

async function estimate({ input, flags }: GivenRun, context: CommandContext): Promise<number> {
  const request = toRequest(input, flags, await readEngineKey(flags.engineKeyFile, context.host));
  return startEstimate({ request, sampleRows: flags.sample, json: flags.json === true }, context);
}

async function runToEnd({ input, flags }: GivenRun, { host, roof }: CommandContext): Promise<RunSummary> {
  const request = toRequest(input, flags, await readEngineKey(flags.engineKeyFile, host));
  const screen = await openScreen(host);
  const signals = listenForStop(host, () => view.stopping());
  const view = new ScreenRunView({ host, screen, request, stop: signals.stop });
  try {
    const doors = await roof.doors();
    const summary = await doors.run(request, view, signals.stop);
    view.close();
    for (const line of summaryLines(summary, host, screen.colors)) screen.line(line);
    return summary;
  } finally {
    view.close();
    signals.close();
  }
}

function toRequest(input: string, flags: RunFlags, apiKey: string | undefined): RunRequest {
  return {
    input,
    output: flags.output ?? '-',
    ...pick(flags, ['model', 'engine', 'concurrency']),
    ...(apiKey === undefined ? {} : { apiKey }),
    settings: pick(flags, SETTINGS),
    resume: flags.resume === true,
    keep: flags.keep === true,
    assumeYes: flags.yes === true,
  };
}

/** Only the fields that are there, so that absent stays absent. */
const pick = <T extends object, K extends keyof T>(source: T, names: readonly K[]): Pick<T, K> =>
  // `fromEntries` forgets the names that went in.
  Object.fromEntries(names.filter((name) => source[name] !== undefined).map((name) => [name, source[name]])) as Pick<T, K>;

const writeJson = (host: Host, value: object): void => {
  host.stdout.write(`${JSON.stringify(value)}\n`);
};

/** A program gets the same facts as a person. */
function toErrorObject(error: unknown): object {
  if (error instanceof Problem) return { code: error.code, reason: error.reason, message: error.message, details: error.details };
  return { code: 'INTERNAL', reason: 'DEFECT', message: String(error), details: {} };
}
