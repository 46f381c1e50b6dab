import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import type { FileRow } from '../db/queries/list-files.ts';
import type { Caller, Context } from './context.ts';
import { joinPieces, type OutputFile, openOutputFile, toPlain } from './read-output-file.ts';

/** Opens the content of a file as OpenAI's dialect shows it; undefined when it was deleted a moment ago. */
export async function openContent(
  context: Context,
  { accountId }: Caller,
  { datasetId, kind }: FileRow,
): Promise<OutputFile | undefined> {
  if (kind !== 'rows') return openOutputFile(context, { accountId, datasetId, kind });
  const files = await listDatasetFiles(context.store.db, accountId, datasetId);
  return files.length === 0 ? undefined : joinPieces(files.map((file) => toPlain(context.objects, file)));
}
