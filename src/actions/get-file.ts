import { Problem } from '../base/problem.ts';
import { parseFileId } from '../contract/openai/ids.ts';
import { type FileRow, listFiles } from '../db/queries/list-files.ts';
import type { Caller, Context } from './context.ts';

/** Finds one of the caller's files by its id in OpenAI's dialect. */
export async function getFile({ store, clock }: Context, { accountId }: Caller, fileId: string): Promise<FileRow> {
  const asked = parseFileId(fileId);
  const files = asked && (await listFiles(store.db, { accountId, now: clock.now(), datasetId: asked.datasetId }));
  const file = files?.find(({ kind }) => (kind === 'errors') === (asked?.part === 'errors'));
  if (file !== undefined) return file;
  throw noSuchFile(fileId);
}

/** There is no file by this id. */
export const noSuchFile = (fileId: string): Problem =>
  new Problem('NOT_FOUND', `No such File object: ${fileId.slice(0, 100)}`, {
    reason: 'FILE_NOT_FOUND',
    details: { field: 'id' },
  });
