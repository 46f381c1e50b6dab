/**
 * A job's committed rows while it runs, each once over any number of calls: the caller says how far the call before has come.
 *
 * Rows come in the order of their commits, out of the parts. When the job ends the parts become its two output files and are removed; who had begun
 * before gets the rest out of those files, in input order.
 */
import { Problem } from '../base/problem.ts';
import { RESULTS_START, type ResultKind, type ResultsPlace } from '../contract/job-results.ts';
import { listNumberedParts, type NumberedPart } from '../db/queries/list-numbered-parts.ts';
import { numberParts } from '../db/queries/number-parts.ts';
import { committedEntries } from '../jobs/committed-entries.ts';
import { EntryTable } from '../jobs/entry-table.ts';
import type { Job } from '../jobs/job.ts';
import type { PartEntry } from '../jobs/part-entries.ts';
import { isFinal } from '../jobs/states.ts';
import type { Context } from './context.ts';
import { type MergedLine, readMergedRows } from './read-merged-rows.ts';

/** What a reader wants. */
export interface RowsWish {
  readonly kind: ResultKind;
  readonly from: ResultsPlace;
  /** Ends the reading at the part with which it gets so large. */
  readonly maxBytes?: number | undefined;
}

/** What there is for a reader. */
export interface CommittedRows {
  /** Result lines as they are stored, each with its line end. */
  readonly lines: AsyncIterable<Buffer>;
  /** Where to go on; absent when the job has ended and these are the last rows. */
  readonly next?: ResultsPlace;
}

type StoreContext = Pick<Context, 'store' | 'objects'>;

/** Finds what is committed behind a place. */
export async function openCommittedRows(context: StoreContext, job: Job, wish: RowsWish): Promise<CommittedRows> {
  await numberParts(context.store.db, job.uid);
  if (isFinal(job.state)) return openMerged(context, job, wish);
  const parts = takePage(await listNumberedParts(context.store.db, job.uid, wish.from.part), wish);
  const part = parts.at(-1)?.readingOrder ?? wish.from.part;
  return { lines: readParts(context, job, { parts, kind: wish.kind }), next: { ...RESULTS_START, part } };
}

/** The first parts that together are large enough; a part is never torn. */
function takePage(parts: readonly NumberedPart[], { maxBytes = Number.POSITIVE_INFINITY }: RowsWish): readonly NumberedPart[] {
  let bytes = 0;
  const last = parts.findIndex((part) => {
    bytes += part.bytes;
    return bytes >= maxBytes;
  });
  return last === -1 ? parts : parts.slice(0, last + 1);
}

interface PartsWish {
  readonly parts: readonly NumberedPart[];
  readonly kind: ResultKind;
}

/** The rows of parts. One that is gone has been merged meanwhile, and so have all after it. */
async function* readParts(context: StoreContext, job: Job, { parts, kind }: PartsWish): AsyncGenerator<Buffer> {
  const objects = [...Map.groupBy(parts, ({ objectKey }) => objectKey)];
  for (const [at, [objectKey, shares]] of objects.entries()) {
    const bytes = await readPart(context, objectKey);
    if (bytes === undefined) {
      const rest = objects.slice(at).flatMap(([, later]) => later);
      for await (const { line } of readMergedRows(context, job, { parts: rest, kind, from: RESULTS_START })) yield line;
      return;
    }
    const table = new EntryTable(bytes);
    for (const place of committedEntries(table, { objectKey, shares })) {
      const entry = table.entry(place);
      if (isOf(kind, entry)) yield entry.line;
    }
  }
}

const isOf = (kind: ResultKind, entry: PartEntry): boolean =>
  kind === 'all' || (kind === 'answers') === (entry.kind === 'success');

const readPart = ({ objects }: StoreContext, key: string): Promise<Buffer | undefined> =>
  objects.read(key).catch((error: unknown) => {
    if (error instanceof Problem && error.reason === 'OBJECT_NOT_FOUND') return undefined;
    throw error;
  });

/** The rest of a job that has ended. */
async function openMerged(context: StoreContext, job: Job, { kind, from, maxBytes }: RowsWish): Promise<CommittedRows> {
  const parts = await listNumberedParts(context.store.db, job.uid, from.part);
  if (parts.length === 0) return { lines: asyncOf([]) };
  const rows = readMergedRows(context, job, { parts, kind, from });
  return maxBytes === undefined ? { lines: linesOf(rows) } : holdPage(rows, { part: from.part, maxBytes });
}

/** Which line is the last of a page is known once they have been read. */
async function holdPage(
  rows: AsyncIterable<MergedLine>,
  { part, maxBytes }: { readonly part: number; readonly maxBytes: number },
): Promise<CommittedRows> {
  const lines: Buffer[] = [];
  let bytes = 0;
  for await (const { line, end } of rows) {
    lines.push(line);
    bytes += line.length;
    if (bytes >= maxBytes) return { lines: asyncOf(lines), next: { part, ...end } };
  }
  return { lines: asyncOf(lines) };
}

async function* linesOf(rows: AsyncIterable<MergedLine>): AsyncGenerator<Buffer> {
  for await (const { line } of rows) yield line;
}

async function* asyncOf(lines: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* lines;
}
