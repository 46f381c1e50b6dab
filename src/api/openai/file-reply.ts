/** A file in OpenAI's shape. */

import { FILE_PURPOSES, type OpenAiFile } from '../../contract/openai/file.ts';
import { toBatchId, toFileId } from '../../contract/openai/ids.ts';
import type { FileRow } from '../../db/queries/list-files.ts';

/** The reply. */
export const toFileReply = (file: FileRow): OpenAiFile => ({
  id: idOf(file),
  object: 'file',
  bytes: file.bytes,
  created_at: toSeconds(file.createdAt),
  ...(file.expiresAt && { expires_at: toSeconds(file.expiresAt) }),
  filename: nameOf(file),
  purpose: FILE_PURPOSES.find((known) => known === file.purpose) ?? (file.kind === 'rows' ? 'batch' : 'batch_output'),
  status: 'processed',
});

const nameOf = ({ datasetId, kind, filename, sourceJob }: FileRow): string => {
  if (kind === 'rows' || sourceJob === null) return filename ?? `${datasetId}.jsonl`;
  return `${toBatchId(sourceJob)}_${kind === 'answers' ? 'output' : 'error'}.jsonl`;
};

/** Seconds since 1970. */
export const toSeconds = (at: Date): number => Math.floor(at.getTime() / 1000);

const idOf = ({ datasetId, kind }: FileRow): string => toFileId(datasetId, kind === 'errors' ? 'errors' : 'whole');
