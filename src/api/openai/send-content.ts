import { Readable } from 'node:stream';
import type { Context } from 'hono';
import { noSuchFile } from '../../actions/get-file.ts';
import type { OutputFile } from '../../actions/read-output-file.ts';
import type { FileRow } from '../../db/queries/list-files.ts';
import type { ApiEnv } from '../api-context.ts';
import { sendFile } from '../send-file.ts';
import { toFileReply } from './file-reply.ts';

/** Answers a file's content. */
export const sendContent = (http: Context<ApiEnv>, file: FileRow, opened: OutputFile | undefined): Promise<Response> => {
  const { id, filename: name } = toFileReply(file);
  if (opened === undefined) throw noSuchFile(id);
  return sendFile(http, {
    file: { name, bytes: opened.bytes, sha256: file.contentHash },
    contentType: 'application/octet-stream',
    read: async (range) => Readable.from(opened.read(range), { objectMode: false }),
    compresses: true,
  });
};
