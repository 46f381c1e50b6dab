/** How a command ends: its exit code, and the words for what went wrong. */
import { Problem, type ProblemCode } from '../base/problem.ts';
import { badLinesText } from './bad-lines.ts';
import type { RunSummary } from './doors.ts';
import type { Host } from './host.ts';
import { openScreen, type Screen } from './screen.ts';

/** What a script may rely on. */
export const EXIT = {
  /** Every row succeeded, or the command did what it was asked. */
  ok: 0,
  failure: 1,
  /** Wrong usage, or input that can't be used. */
  usage: 2,
  /** The run finished, and some rows failed. */
  failedRows: 3,
  /** A key is missing or was refused. */
  signIn: 4,
  notFound: 5,
  expired: 6,
  interrupted: 130,
} as const;

const CODES: Partial<Record<ProblemCode, number>> = {
  INVALID_ARGUMENT: EXIT.usage,
  OUT_OF_RANGE: EXIT.usage,
  ALREADY_EXISTS: EXIT.usage,
  UNAUTHENTICATED: EXIT.signIn,
  PERMISSION_DENIED: EXIT.signIn,
  NOT_FOUND: EXIT.notFound,
  DEADLINE_EXCEEDED: EXIT.expired,
  CANCELLED: EXIT.interrupted,
};

/** The exit code of whatever was thrown. */
export function exitCodeOf(error: unknown): number {
  if (isAbort(error)) return EXIT.interrupted;
  return error instanceof Problem ? (CODES[error.code] ?? EXIT.failure) : EXIT.failure;
}

/** The exit code of a run that came to an end of its own. */
export function exitCodeOfRun({ outcome, failed }: Pick<RunSummary, 'outcome' | 'failed'>, allowFailures: boolean): number {
  switch (outcome) {
    case 'COMPLETED':
      return failed > 0 && !allowFailures ? EXIT.failedRows : EXIT.ok;
    case 'EXPIRED':
      return EXIT.expired;
    case 'STOPPED':
      return EXIT.interrupted;
    case 'FAILED':
    case 'CANCELLED':
      return EXIT.failure;
  }
}

/** Says on stderr what went wrong: a problem in its own words, anything else with an apology. */
export async function explain(error: unknown, host: Host): Promise<void> {
  if (isAbort(error)) return;
  const screen = await openScreen(host);
  const lines =
    error instanceof Problem ? problemLines(error, screen) : defectLines(error, host.env['BOATLOAD_DEBUG'] === '1', screen);
  for (const line of lines) screen.line(line);
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

const problemLines = (problem: Problem, { colors }: Screen): readonly string[] =>
  badLinesText(problem, colors) ?? [`${colors.red('✗')} ${problem.message} ${colors.dim(`[${problem.reason}]`)}`];

function defectLines(error: unknown, debug: boolean, { colors }: Screen): readonly string[] {
  const stack = error instanceof Error ? error.stack : undefined;
  return [
    `${colors.red('✗')} Sorry, that is a defect in boatload, not in what you asked:`,
    `  ${debug && stack !== undefined ? stack : String(error)}`,
    '  Please report it: the lines above, the command, and what `boatload --version` prints.',
    ...(debug ? [] : [colors.dim('  BOATLOAD_DEBUG=1 shows where it happened.')]),
  ];
}
