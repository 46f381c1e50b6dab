/** The rows of a dataset, a page at a time, without reading what comes before. */
import { Problem } from '../base/problem.ts';
import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import type { DatasetFile } from '../db/schema.ts';
import { type Line, LineSplitter } from '../jsonl/split-lines.ts';
import type { Caller, Context } from './context.ts';
import { getDataset } from './get-dataset.ts';

/** A page ends here too, however few rows it has by then. */
const PAGE_BYTES = 4 * 1024 * 1024;
const LINE_BYTES = 1024 * 1024;

export interface PreviewWish {
  readonly datasetId: string;
  readonly rows: number;
  /** Where the page begins, in bytes of all files one after the other: 0, or a `next` of before. */
  readonly offset: number;
}

export interface Preview {
  /** Parsed; a line that is no JSON as its text. */
  readonly rows: readonly unknown[];
  readonly total: number;
  /** Where the next page begins; undefined after the last one. */
  readonly next: number | undefined;
}

/** Reads a page of rows, of all files by name. */
export async function previewDataset(context: Context, caller: Caller, wish: PreviewWish): Promise<Preview> {
  const { accountId, id, state, rows: total } = await getDataset(context, caller, wish.datasetId);
  if (state !== 'READY') throw notReady(id);
  const files = await listDatasetFiles(context.store.db, accountId, id);
  const rows: unknown[] = [];
  let bytes = 0;
  for await (const line of linesFrom(context, files, wish.offset)) {
    if (rows.length === wish.rows || (rows.length > 0 && bytes + line.bytes.length > PAGE_BYTES))
      return { rows, total: total ?? 0, next: line.offset };
    rows.push(toRow(line));
    bytes += line.bytes.length;
  }
  return { rows, total: total ?? 0, next: undefined };
}

/** Lines with their places in all files together. */
async function* linesFrom({ objects }: Context, files: readonly DatasetFile[], offset: number): AsyncGenerator<Line> {
  let before = 0;
  for (const { objectKey, bytes } of files) {
    const start = Math.max(0, offset - before);
    const splitter = new LineSplitter({ maxLineBytes: LINE_BYTES });
    const place = before + start;
    const shifted = (lines: readonly Line[]) => lines.map((line) => ({ ...line, offset: place + line.offset }));
    if (start < bytes) {
      for await (const chunk of await objects.get(objectKey, { start })) yield* shifted(splitter.push(chunk));
      yield* shifted(splitter.end());
    }
    before += bytes;
  }
}

const toRow = ({ bytes, fault }: Line): unknown => {
  if (fault === 'too-long') return `(a line of more than ${LINE_BYTES} bytes)`;
  const text = bytes.toString();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const notReady = (id: string): Problem =>
  new Problem('FAILED_PRECONDITION', `Dataset "${id}" has no rows to show yet: it still waits for its files.`, {
    reason: 'DATASET_NOT_READY',
  });
