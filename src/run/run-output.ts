/** Writes a run's answers and failures where the person wants them, in input order, whole or not at all. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Caller, Context } from '../actions/context.ts';
import { mergeOutputs } from '../actions/merge-outputs.ts';
import type { RunOutcome, RunSummary } from '../cli/doors.ts';
import { FailureCauses } from './failure-causes.ts';
import { readChain, sumChain } from './run-chain.ts';
import type { RunEnd } from './run-follow.ts';
import type { RunPaths } from './run-paths.ts';

export interface ExportOptions {
  readonly caller: Caller;
  readonly end: RunEnd;
  readonly paths: RunPaths;
}

/** The end of a run in figures, with its files written unless it was stopped. */
export async function exportResults(context: Context, { caller, end, paths }: ExportOptions): Promise<RunSummary> {
  const chain = await readChain(context, caller);
  const causes = new FailureCauses();
  if (!end.stopped) await writeOutputs(mergeOutputs(context, chain), { paths, causes });
  const { inputTokens, outputTokens, cachedTokens, ok, ...sums } = await sumChain(context, chain);
  // A chain's last job may have ended before it came to rows that failed earlier: what is in the file counts.
  const failed = end.stopped ? sums.failed : causes.rows;
  const total = chain[0]?.inputRows ?? 0;
  return {
    outcome: outcomeOf(end),
    message: end.job.statusMessage || null,
    total,
    ok,
    failed,
    unfinished: total - ok - failed,
    inputTokens,
    outputTokens,
    cachedTokens,
    elapsedMs: end.elapsedMs,
    output: paths.output ?? '-',
    errors: !end.stopped && failed > 0 ? paths.errors : null,
    causes: causes.list(),
  };
}

const outcomeOf = ({ job: { state }, stopped }: RunEnd): RunOutcome => {
  if (stopped) return 'STOPPED';
  return state === 'COMPLETED' || state === 'EXPIRED' || state === 'CANCELLED' ? state : 'FAILED';
};

interface WriteOptions {
  readonly paths: RunPaths;
  readonly causes: FailureCauses;
}

/** The failures' file exists only when there are failures: an old one must not stay beside new answers. */
async function writeOutputs(
  results: AsyncIterable<{ readonly kind: 'success' | 'failure'; readonly line: Buffer }>,
  { paths, causes }: WriteOptions,
): Promise<void> {
  const answers = paths.output === undefined ? toStdout() : toFile(paths.output, paths.folder);
  const failures = toFile(paths.errors, paths.folder);
  try {
    for await (const { kind, line } of results) {
      if (kind === 'failure') causes.add(line);
      await (kind === 'success' ? answers : failures).write(line);
    }
    await answers.end();
    if (causes.rows > 0) await failures.end();
    else await rm(paths.errors, { force: true });
  } finally {
    await Promise.all([answers.discard(), failures.discard()]);
  }
}

interface Sink {
  write(line: Buffer): Promise<void>;
  /** Makes what was written visible. */
  end(): Promise<void>;
  /** Forgets what was written, unless it was made visible. */
  discard(): Promise<void>;
}

/** A stream that has failed drains nothing any more: its end, when it is known, tells why. */
const writeTo = async (stream: Writable, line: Buffer, end?: Promise<void>): Promise<void> => {
  if (!stream.write(line)) await (end === undefined ? once(stream, 'drain') : Promise.race([once(stream, 'drain'), end]));
};

const toStdout = (): Sink => ({ write: (line) => writeTo(process.stdout, line), end: async () => {}, discard: async () => {} });

/** Written in the run's own folder, which is beside it, and renamed: a crash leaves the old file or the new one, and no other. */
function toFile(path: string, folder: string): Sink {
  const draft = join(folder, `${basename(path)}.draft`);
  const stream = createWriteStream(draft, { flush: true, highWaterMark: 1024 * 1024 });
  const done = finished(stream);
  // A full disk is told by the next write or the end.
  done.catch(() => undefined);
  return {
    write: (line) => writeTo(stream, line, done),
    async end() {
      stream.end();
      await done;
      await rename(draft, path);
      await syncFolder(dirname(path));
    },
    async discard() {
      stream.destroy();
      await done.catch(() => undefined);
      await rm(draft, { force: true });
    },
  };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
