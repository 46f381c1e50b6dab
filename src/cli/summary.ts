/** The last lines of a run: what came out, where it is, why rows failed, and how to go on. */
import { commandText } from './command-text.ts';
import type { FailureCause, RunSummary } from './doors.ts';
import { formatCount, formatDuration, formatRows, formatSeconds, formatShare } from './figures.ts';
import type { Host } from './host.ts';
import type { Colors } from './screen.ts';
import { shortPath } from './short-path.ts';

const CAUSES_SHOWN = 5;
const EXAMPLE_LENGTH = 120;

const HEADLINES: Record<Exclude<RunSummary['outcome'], 'COMPLETED'>, string> = {
  EXPIRED: 'out of time: ',
  FAILED: 'gave up: ',
  CANCELLED: 'cancelled: ',
  STOPPED: 'stopped: ',
};

/** The lines, without line ends. */
export function summaryLines(summary: RunSummary, host: Host, colors: Colors): readonly string[] {
  return [
    headline(summary, colors),
    ...(summary.message === null ? [] : [`  ${summary.message}`]),
    ...fileLines(summary, host),
    ...summary.causes.slice(0, CAUSES_SHOWN).map((cause) => colors.dim(`    ${cause.cause}: ${shorten(cause.example)}`)),
    ...nextLines(summary, host),
  ];
}

/** What the headline says. */
type Headline = Pick<
  RunSummary,
  'outcome' | 'ok' | 'failed' | 'unfinished' | 'elapsedMs' | 'inputTokens' | 'cachedTokens' | 'outputTokens'
>;

/** `✓ 997 ok, 3 failed in 1m 25s · 118,204 in (41 % cached) / 54,911 out tokens`. */
export function headline(summary: Headline, colors: Colors): string {
  const { outcome, ok, failed, unfinished, elapsedMs } = summary;
  const counts = [
    `${formatCount(ok)} ok`,
    ...(failed === 0 && unfinished === 0 ? [] : [`${formatCount(failed)} failed`]),
    ...(unfinished === 0 ? [] : [`${formatCount(unfinished)} unfinished`]),
  ].join(', ');
  const elapsed = elapsedMs < 10_000 ? formatSeconds(elapsedMs).replace(' ', '') : formatDuration(elapsedMs);
  const mark = outcome === 'COMPLETED' ? colors.green('✓ ') : `${colors.red('✗')} ${HEADLINES[outcome]}`;
  return `${mark}${counts} in ${elapsed} · ${tokens(summary)}`;
}

function tokens({ inputTokens, cachedTokens, outputTokens }: Headline): string {
  const cached = cachedTokens === 0 ? '' : ` (${formatShare(cachedTokens, inputTokens)} cached)`;
  return `${formatCount(inputTokens)} in${cached} / ${formatCount(outputTokens)} out tokens`;
}

/** The files in columns: name, rows, and why rows are in the second one. */
function fileLines({ output, errors, ok, failed, causes }: RunSummary, host: Host): readonly string[] {
  const files = [
    ...(output === '-' ? [] : [{ path: shortPath(output, host), rows: formatRows(ok), why: '' }]),
    ...(errors === null || failed === 0
      ? []
      : [{ path: shortPath(errors, host), rows: formatRows(failed), why: causes.map(toPhrase).join(', ') }]),
  ];
  const pathWidth = Math.max(...files.map(({ path }) => path.length));
  const rowsWidth = Math.max(...files.map(({ rows }) => rows.length));
  return files.map(({ path, rows, why }) => `  ${path.padEnd(pathWidth)}  ${rows.padStart(rowsWidth)}   ${why}`.trimEnd());
}

const toPhrase = ({ cause, rows }: FailureCause): string => `${formatCount(rows)} × ${cause}`;

function nextLines({ failed, unfinished }: RunSummary, { args }: Host): readonly string[] {
  if (failed + unfinished === 0) return [];
  return [`  ${unfinished > 0 ? 'go on' : 'retry just those'}:  ${commandText(args, '--resume')}`];
}

/** One line, of a length that people still read. */
function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= EXAMPLE_LENGTH ? line : `${line.slice(0, EXAMPLE_LENGTH - 1)}…`;
}
