/** The answers of a job, or its errors, as one file of OpenAI's dialect: spliced from our bytes while it is read, any range of it. */
import { OUTPUT_FILES } from '../contract/dataset.ts';
import { findDataset } from '../db/queries/find-dataset.ts';
import { listAllDatasetFiles } from '../db/queries/list-all-dataset-files.ts';
import type { DatasetFile } from '../db/schema.ts';
import { jobUidOf } from '../jobs/object-keys.ts';
import { growthOf, spliceRow, UNFINISHED_FILE } from '../jobs/openai-row.ts';
import { checkpointsOf, findCheckpoint } from '../jobs/row-checkpoints.ts';
import { LineSplitter, splitLines } from '../jsonl/split-lines.ts';
import type { ByteRange, ObjectStore } from '../storage/object-store.ts';
import type { Context } from './context.ts';

/** Which file: rows with an answer, or all others. */
export interface OutputFileName {
  readonly accountId: string;
  readonly datasetId: string;
  readonly kind: 'answers' | 'errors';
}

/** A file whose size is known before it is made. */
export interface OutputFile {
  readonly bytes: number;
  /** `end` is exclusive. */
  read(range?: Required<ByteRange>): AsyncIterable<Uint8Array>;
}

/** Finds the file in a dataset that a job wrote; undefined when no row of the kind is there, or the dataset is no job's output. */
export async function openOutputFile(
  { store, objects }: Pick<Context, 'store' | 'objects'>,
  { accountId, datasetId, kind }: OutputFileName,
): Promise<OutputFile | undefined> {
  const dataset = await findDataset(store.db, accountId, datasetId);
  if (dataset?.state !== 'READY' || dataset.sourceJob === null) return undefined;
  const files = await listAllDatasetFiles(store.db, accountId, datasetId);
  const find = (name: string) => files.find((file) => file.name === name);
  const unfinished = find(UNFINISHED_FILE);
  const pieces =
    kind === 'answers'
      ? [toSpliced(objects, 'success', { file: find(OUTPUT_FILES.results), find })]
      : [toSpliced(objects, 'failure', { file: find(OUTPUT_FILES.errors), find }), unfinished && toPlain(objects, unfinished)];
  const whole = joinPieces(pieces.filter((piece) => piece !== undefined));
  return whole.bytes === 0 ? undefined : whole;
}

/** One after the other, as if they were one. */
export const joinPieces = (pieces: readonly OutputFile[]): OutputFile => {
  const total = pieces.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    bytes: total,
    async *read({ start, end } = { start: 0, end: total }) {
      let before = 0;
      for (const { bytes, read } of pieces) {
        const range = { start: Math.max(0, start - before), end: Math.min(bytes, end - before) };
        if (range.start < range.end) yield* read(range);
        before += bytes;
      }
    },
  };
};

/** A file as it is stored: rows that were uploaded, or what is in OpenAI's shape already. */
export const toPlain = (objects: ObjectStore, file: DatasetFile): OutputFile => ({
  bytes: file.bytes,
  async *read(range) {
    yield* await objects.get(file.objectKey, range);
  },
});

interface Found {
  readonly file: DatasetFile | undefined;
  readonly find: (name: string) => DatasetFile | undefined;
}

/** A file whose rows are put into OpenAI's shape, from the nearest checkpoint before the range; from its first row where there are none. */
const toSpliced = (objects: ObjectStore, kind: 'success' | 'failure', { file, find }: Found): OutputFile | undefined => {
  if (file === undefined) return undefined;
  const growth = growthOf(kind);
  const bytes = file.bytes + file.rows * growth;
  const checkpoints = find(checkpointsOf(file.name));
  return {
    bytes,
    async *read({ start, end } = { start: 0, end: bytes }) {
      const known = checkpoints === undefined || start === 0 ? NONE : await objects.read(checkpoints.objectKey);
      const { offset, rows } = findCheckpoint(known, start, growth);
      const first = offset + rows * growth;
      yield* cut(spliceRows(await objects.get(file.objectKey, { start: offset }), kind, jobUidOf(file.objectKey)), {
        start: start - first,
        end: end - first,
      });
    },
  };
};

const NONE = Buffer.alloc(0);

async function* spliceRows(
  chunks: AsyncIterable<Uint8Array>,
  kind: 'success' | 'failure',
  jobUid: string,
): AsyncGenerator<Buffer> {
  const splitter = new LineSplitter({ maxLineBytes: Number.MAX_SAFE_INTEGER });
  for await (const lines of splitLines(chunks, splitter)) {
    if (lines.length > 0) yield Buffer.concat(lines.flatMap(({ bytes }) => spliceRow(bytes, kind, jobUid)));
  }
}

/** The bytes of a stream from `start` up to `end`; what comes after them is not asked for. */
async function* cut(blocks: AsyncIterable<Buffer>, { start, end }: Required<ByteRange>): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const block of blocks) {
    const wanted = block.subarray(Math.max(0, start - at), Math.max(0, end - at));
    if (wanted.length > 0) yield wanted;
    at += block.length;
    if (at >= end) return;
  }
}
