/** Rows of certain parts, found in the files that the merge has made of all parts. */
import { Problem } from '../base/problem.ts';
import { OUTPUT_FILES } from '../contract/dataset.ts';
import type { ResultKind, ResultsPlace } from '../contract/job-results.ts';
import { findDataset } from '../db/queries/find-dataset.ts';
import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import type { StoredPart } from '../db/queries/list-parts.ts';
import { ANSWERED, FAILED, readFates } from '../db/queries/read-fates.ts';
import type { DatasetFile } from '../db/schema.ts';
import type { Job } from '../jobs/job.ts';
import { readPlanPages } from '../jobs/plan-pages.ts';
import { LineSplitter, splitLines } from '../jsonl/split-lines.ts';
import type { Context } from './context.ts';

/** A line of an output file, with its line end. */
export interface MergedLine {
  readonly line: Buffer;
  /** Where the next one begins. */
  readonly end: Pick<ResultsPlace, 'bytes' | 'row'>;
}

/** Which rows are wanted. */
export interface MergedWish {
  readonly parts: readonly StoredPart[];
  readonly kind: ResultKind;
  readonly from: ResultsPlace;
}

type StoreContext = Pick<Context, 'store' | 'objects'>;

/** A bit beside a row's fate. */
const WANTED = 4;

/**
 * An output file has its rows in the order of the input and doesn't say their numbers. What became of every row is known from the parts: so the n-th
 * line of the answers is the n-th row that was answered.
 */
export async function* readMergedRows(context: StoreContext, job: Job, wish: MergedWish): AsyncGenerator<MergedLine> {
  const files = await listOutputFiles(context, job, wish.kind);
  const fates = await readRowFates(context, job, wish.parts);
  let before = 0;
  for (const file of files) {
    const bytes = Math.max(0, wish.from.bytes - before);
    const from = { bytes, row: bytes === 0 ? 0 : wish.from.row };
    const fate = file.name === OUTPUT_FILES.results ? ANSWERED : FAILED;
    if (bytes < file.bytes) yield* readFile(context, file, { from, before, fates, fate });
    before += file.bytes;
  }
}

async function listOutputFiles({ store }: StoreContext, job: Job, kind: ResultKind): Promise<readonly DatasetFile[]> {
  const dataset = await findDataset(store.db, job.accountId, job.outputDatasetId);
  if (dataset?.sourceJob !== job.id) throw resultsGone(job);
  const files = await listDatasetFiles(store.db, job.accountId, job.outputDatasetId);
  return [OUTPUT_FILES.results, OUTPUT_FILES.errors]
    .filter((name) => kind === 'all' || (kind === 'answers') === (name === OUTPUT_FILES.results))
    .flatMap((name) => files.find((file) => file.name === name) ?? []);
}

/** By row number. The plan says which row stood at which position. */
async function readRowFates({ store, objects }: StoreContext, job: Job, wanted: readonly StoredPart[]): Promise<Uint8Array> {
  const byPosition = await readFates(store.db, job);
  for (const { rows } of wanted)
    for (const [first, end] of rows) for (let at = first; at < end; at++) byPosition[at] = (byPosition[at] ?? 0) | WANTED;
  const byRow = new Uint8Array(job.inputRows ?? 0);
  for await (const { first, rows } of readPlanPages(objects, job))
    for (const [index, { row }] of rows.entries()) byRow[row] = byPosition[first + index] ?? 0;
  return byRow;
}

interface FileWish {
  readonly from: MergedLine['end'];
  /** Bytes of the files before this one. */
  readonly before: number;
  readonly fates: Uint8Array;
  /** What became of the rows that are in this file. */
  readonly fate: number;
}

async function* readFile(
  { objects }: StoreContext,
  file: DatasetFile,
  { from, before, fates, fate }: FileWish,
): AsyncGenerator<MergedLine> {
  const chunks = await objects.get(file.objectKey, { start: from.bytes, end: file.bytes });
  let row = from.row;
  for await (const lines of splitLines(chunks, new LineSplitter({ maxLineBytes: Number.MAX_SAFE_INTEGER }))) {
    for (const { bytes, offset } of lines) {
      while (row < fates.length && ((fates[row] ?? 0) & fate) === 0) row += 1;
      if (row >= fates.length) throw otherRows(file);
      const isWanted = ((fates[row] ?? 0) & WANTED) !== 0;
      row += 1;
      const end = { bytes: before + from.bytes + offset + bytes.length + 1, row };
      if (isWanted) yield { line: Buffer.concat([bytes, LINE_END]), end };
    }
  }
}

const LINE_END = Buffer.from('\n');

const resultsGone = ({ id, outputDatasetId }: Job): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `The results of job "${id}" are gone: its output dataset "${outputDatasetId}" was deleted.`,
    {
      reason: 'RESULTS_DELETED',
    },
  );

const otherRows = ({ name, datasetId }: DatasetFile): Problem =>
  new Problem('DATA_LOSS', `File "${name}" of dataset "${datasetId}" has more rows than its job has committed.`, {
    reason: 'OUTPUT_CORRUPT',
  });
