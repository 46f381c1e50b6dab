/** The line that moves while rows run. */
import type { Busy, RunProgress } from './doors.ts';
import { formatBytes, formatCount, formatDuration, formatRate, formatShare } from './figures.ts';
import type { Rates } from './rates.ts';
import type { Colors } from './screen.ts';

/** What is known when the bar is drawn. */
export interface BarFacts {
  readonly progress: RunProgress;
  readonly rates: Rates;
  /** What Ctrl-C would do now. */
  readonly hint: string;
}

/** A piece of the line; the highest `rank` goes first when the terminal is too narrow. */
interface Piece {
  readonly text: string;
  readonly rank: number;
  readonly paint?: (text: string) => string;
}

const CELLS = 20;
const GAP = '  ';

/** `██████████████░░░░░░ 702/1000  11.8 rows/s  640 tok/s  eta 25s  3 failed  (Ctrl-C saves and stops)`, in at most `columns`. */
export function drawBar({ progress, rates, hint }: BarFacts, columns: number, colors: Colors): string {
  const done = progress.ok + progress.failed;
  const pieces: Piece[] = [
    { text: `${cells(done, progress.total)} ${done}/${progress.total}`, rank: 0 },
    { text: `${formatRate(rates.rowsPerSecond)} rows/s`, rank: 3 },
    ...(rates.tokensPerSecond > 0 ? [{ text: `${formatCount(Math.round(rates.tokensPerSecond))} tok/s`, rank: 4 }] : []),
    ...(rates.etaMs === undefined ? [] : [{ text: `eta ${formatDuration(rates.etaMs)}`, rank: 2 }]),
    ...(progress.failed === 0 ? [] : [{ text: `${progress.failed} failed`, rank: 1, paint: colors.red }]),
  ];
  const whole = [...pieces, { text: hint, rank: 0, paint: colors.dim }];
  if (width(whole) <= columns) return paint(whole);
  // Nobody should have to guess what Ctrl-C does: on a narrow terminal it gets a line of its own.
  return `${paint(narrow(pieces, columns))}\n${colors.dim(hint.slice(0, columns))}`;
}

/** `↓ model  ███████░░░ 68 %  412 MB/604 MB  38 MB/s  eta 5s`; the speed is the average of `elapsedMs`. */
export function drawBusy({ what, bytes, totalBytes }: Busy, elapsedMs: number): string {
  const bytesPerSecond = elapsedMs < 1_000 ? 0 : (bytes / elapsedMs) * 1_000;
  const speed = bytesPerSecond === 0 ? [] : [`${formatBytes(Math.round(bytesPerSecond))}/s`];
  if (totalBytes === undefined) return [what, formatBytes(bytes), ...speed].join(GAP);
  const share = `${cells(bytes, totalBytes, 10)} ${formatShare(bytes, totalBytes)}`;
  const eta = bytesPerSecond === 0 ? [] : [`eta ${formatDuration(((totalBytes - bytes) / bytesPerSecond) * 1_000)}`];
  return [what, share, `${formatBytes(bytes)}/${formatBytes(totalBytes)}`, ...speed, ...eta].join(GAP);
}

const cells = (done: number, total: number, count = CELLS): string => {
  const full = total === 0 ? 0 : Math.min(count, Math.floor((done / total) * count));
  return '█'.repeat(full) + '░'.repeat(count - full);
};

const width = (pieces: readonly Piece[]): number => pieces.map(({ text }) => text).join(GAP).length;

const paint = (pieces: readonly Piece[]): string => pieces.map((piece) => piece.paint?.(piece.text) ?? piece.text).join(GAP);

/** Leaves out the least needed pieces until the rest fits. */
function narrow(pieces: readonly Piece[], columns: number): readonly Piece[] {
  const leastNeeded = Math.max(...pieces.map(({ rank }) => rank));
  if (width(pieces) <= columns || leastNeeded === 0) return pieces;
  return narrow(
    pieces.filter(({ rank }) => rank < leastNeeded),
    columns,
  );
}
