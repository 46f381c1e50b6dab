/** Every bad line of an input that was refused, grouped by what to do about it. */
import type { Problem } from '../base/problem.ts';
import type { BadLine } from '../jobs/bad-line.ts';
import { formatCount } from './figures.ts';
import type { Colors } from './screen.ts';

/** The details of a `Problem` with reason `INVALID_DATASET`. `count` may be more than what was kept. */
interface BadLinesDetails {
  readonly file: string;
  readonly count: number;
  readonly badLines: readonly BadLine[];
}

/** The lines to print, or undefined when the problem is another one. */
export function badLinesText(problem: Problem, colors: Colors): readonly string[] | undefined {
  if (problem.reason !== 'INVALID_DATASET' || !hasBadLines(problem.details)) return undefined;
  const { file, count, badLines } = problem.details;
  const groups = [...Map.groupBy(badLines, ({ remedy }) => remedy)];
  return [
    `${colors.red('✗')} ${file} has ${formatCount(count)} bad ${count === 1 ? 'line' : 'lines'}, so nothing was run`,
    ...groups.flatMap(([remedy, group]) => ['', ...causeLines(group), `  ${colors.cyan('→')} ${remedy}`]),
    ...(count > badLines.length
      ? ['', `  The first ${formatCount(badLines.length)} are listed; ${formatCount(count - badLines.length)} more are bad.`]
      : []),
  ];
}

const hasBadLines = (details: unknown): details is BadLinesDetails =>
  typeof details === 'object' &&
  details !== null &&
  'file' in details &&
  'count' in details &&
  'badLines' in details &&
  Array.isArray(details.badLines);

/** One line per file and message, however many lines it is about. */
const causeLines = (group: readonly BadLine[]): readonly string[] =>
  [...Map.groupBy(group, ({ file = '', message }) => `${file}\n${message}`).values()].map(
    (lines) => `  ${lines[0]?.file === undefined ? '' : `${lines[0].file}: `}${where(lines)}  ${lines[0]?.message}`,
  );

function where(lines: readonly BadLine[]): string {
  const [first, second] = lines;
  if (first === undefined || second !== undefined) return `lines ${toSpans(lines.map(({ line }) => line)).join(', ')}`;
  return first.column === undefined ? `line ${first.line}` : `line ${first.line}, column ${first.column}`;
}

/** 2, 3, 4, 9 → `2–4`, `9`. */
function toSpans(lines: readonly number[]): readonly string[] {
  const spans: [first: number, last: number][] = [];
  for (const line of lines.toSorted((a, b) => a - b)) {
    const span = spans.at(-1);
    if (span !== undefined && line <= span[1] + 1) span[1] = line;
    else spans.push([line, line]);
  }
  return spans.map(([first, last]) => (first === last ? String(first) : `${first}–${last}`));
}
