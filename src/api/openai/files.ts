/** `/files`: datasets as OpenAI's clients see them. */
import { z } from 'zod';
import { receiveNewFile } from '../../actions/create-file.ts';
import { deleteFile } from '../../actions/delete-file.ts';
import { getFile } from '../../actions/get-file.ts';
import { openContent } from '../../actions/open-content.ts';
import { makeName } from '../../contract/names.ts';
import {
  CreateFileFields,
  CreateFileForm,
  FileContentQuery,
  ListFilesQuery,
  OpenAiFile,
  OpenAiFileDeleted,
  OpenAiFileList,
} from '../../contract/openai/file.ts';
import { toFileId } from '../../contract/openai/ids.ts';
import { toOpenAiList } from '../../contract/openai/list.ts';
import { listFiles } from '../../db/queries/list-files.ts';
import { type FormFields, readFilePart } from '../multipart.ts';
import { readWire } from '../read-wire.ts';
import type { Call } from '../route.ts';
import { sendCommittedContent } from './committed-content.ts';
import { toFileReply } from './file-reply.ts';
import { openaiRoute } from './openai-route.ts';
import { sendContent } from './send-content.ts';

const ONE = '/files/{file_id}';
const tag = 'OpenAI: files';
const PAGE_SIZE = 10_000;

const idOf = ({ params }: Call<unknown, unknown>): string => params['file_id'] ?? '';

const create = openaiRoute({
  method: 'post',
  path: '/files',
  tag,
  operationId: 'createFile',
  summary: 'Upload a file of rows: a dataset that is READY once it has come',
  form: CreateFileForm,
  reply: OpenAiFile,
  handle: async ({ context, caller, http }) => {
    const { datasetId } = await readFilePart(http.req.raw, async ({ filename, body, fields }) => {
      const wish = async () => toWish(filename, await fields());
      return { datasetId: await receiveNewFile(context, caller, { body, wish }) };
    });
    http.set('subject', makeName(caller.accountId, 'datasets', datasetId));
    return toFileReply(await getFile(context, caller, toFileId(datasetId)));
  },
});

/** Forms write `expires_after[seconds]` for what is inside. */
const toWish = (filename: string, fields: FormFields) => {
  const inner = Object.entries(fields).flatMap(([name, value]) => {
    const [, key] = /^expires_after\[(\w+)\]$/.exec(name) ?? [];
    return key === undefined ? [] : [[key, value] as const];
  });
  const { purpose, expires_after: life } = readWire(CreateFileFields, {
    purpose: fields['purpose'],
    ...(inner.length > 0 && { expires_after: Object.fromEntries(inner) }),
  });
  return { filename, purpose, lifeSeconds: life?.seconds };
};

const list = openaiRoute({
  method: 'get',
  path: '/files',
  tag,
  operationId: 'listFiles',
  summary: 'List files, newest first unless asked otherwise',
  query: ListFilesQuery,
  reply: OpenAiFileList,
  handle: async ({ context, caller, query }) => {
    const { limit = PAGE_SIZE, purpose, order } = query;
    const after = query.after === undefined ? undefined : await getFile(context, caller, query.after);
    const files = await listFiles(context.store.db, {
      accountId: caller.accountId,
      now: context.clock.now(),
      ascending: order === 'asc',
      limit: limit + 1,
      purpose,
      after,
    });
    return toOpenAiList(files.slice(0, limit).map(toFileReply), files.length > limit);
  },
});

const get = openaiRoute({
  method: 'get',
  path: ONE,
  tag,
  operationId: 'retrieveFile',
  summary: 'Get what is known of a file',
  reply: OpenAiFile,
  handle: async (call) => toFileReply(await getFile(call.context, call.caller, idOf(call))),
});

const content = openaiRoute({
  method: 'get',
  path: `${ONE}/content`,
  tag,
  operationId: 'downloadFile',
  summary: 'Get the content of a file, or a range of it; compressed for who takes gzip. Of a batch that runs: what is committed',
  query: FileContentQuery,
  reply: z.string().meta({ format: 'binary', description: 'JSON lines' }),
  replyType: 'application/octet-stream',
  handle: async (call) => {
    const { context, caller, http, query } = call;
    const wish = { context, accountId: caller.accountId, fileId: idOf(call), pageToken: query.pageToken };
    const committed = await sendCommittedContent(wish);
    if (committed !== undefined) return committed;
    const file = await getFile(context, caller, idOf(call));
    return sendContent(http, file, await openContent(context, caller, file));
  },
});

const remove = openaiRoute({
  method: 'delete',
  path: ONE,
  tag,
  operationId: 'deleteFile',
  summary: 'Delete a file; of what a job wrote, the other half stays',
  reply: OpenAiFileDeleted,
  handle: async (call) => {
    const { datasetId } = await deleteFile(call.context, call.caller, idOf(call));
    call.http.set('subject', makeName(call.caller.accountId, 'datasets', datasetId));
    return { id: idOf(call), object: 'file' as const, deleted: true as const };
  },
});

/** Every route of the resource. */
export const fileRoutes = [create, list, get, content, remove];
