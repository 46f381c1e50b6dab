import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import { LineSplitter, splitLines } from '../jsonl/split-lines.ts';
import type { Context } from './context.ts';

/** Lines of a dataset. */
export interface LinesOf {
  readonly accountId: string;
  readonly datasetId: string;
  /** One of its files; absent means all, by name. */
  readonly name?: string;
}

/** The lines that aren't blank, without their ends. A dataset or file that isn't there has none. */
export async function* readLines(
  { store, objects }: Pick<Context, 'store' | 'objects'>,
  { accountId, datasetId, name }: LinesOf,
): AsyncGenerator<Buffer> {
  const files = await listDatasetFiles(store.db, accountId, datasetId);
  for (const file of files.filter((candidate) => name === undefined || candidate.name === name)) {
    const splitter = new LineSplitter({ maxLineBytes: Number.MAX_SAFE_INTEGER });
    for await (const lines of splitLines(await objects.get(file.objectKey), splitter)) for (const { bytes } of lines) yield bytes;
  }
}
