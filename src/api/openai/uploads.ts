/** `/uploads`: large files that come in by parts. */
import { addUploadPart } from '../../actions/add-upload-part.ts';
import { cancelUpload } from '../../actions/cancel-upload.ts';
import { completeUpload } from '../../actions/complete-upload.ts';
import { createUpload } from '../../actions/create-upload.ts';
import { uploadStatusAt } from '../../actions/get-upload.ts';
import { makeName } from '../../contract/names.ts';
import {
  AddPartForm,
  CompleteUploadRequest,
  CreateUploadRequest,
  MOST_PART_BYTES,
  MOST_PARTS,
  OpenAiUpload,
  OpenAiUploadPart,
} from '../../contract/openai/upload.ts';
import { listFiles } from '../../db/queries/list-files.ts';
import type { Upload } from '../../db/schema.ts';
import { readFilePart } from '../multipart.ts';
import type { Call } from '../route.ts';
import { toFileReply, toSeconds } from './file-reply.ts';
import { openaiRoute } from './openai-route.ts';

const ONE = '/uploads/{upload_id}';
const tag = 'OpenAI: uploads';

type AnyCall = Call<unknown, unknown>;
const idOf = ({ params }: AnyCall): string => params['upload_id'] ?? '';

const create = openaiRoute({
  method: 'post',
  path: '/uploads',
  tag,
  operationId: 'createUpload',
  summary: 'Begin an upload that takes the parts of a file for an hour',
  body: CreateUploadRequest,
  once: {},
  reply: OpenAiUpload,
  handle: async (call) => {
    const { filename, bytes, purpose, expires_after: life } = call.body;
    return toReply(call, await createUpload(call.context, call.caller, { filename, bytes, purpose, lifeSeconds: life?.seconds }));
  },
});

const addPart = openaiRoute({
  method: 'post',
  path: `${ONE}/parts`,
  tag,
  operationId: 'addUploadPart',
  summary: 'Send a part of a file; several at a time, and in any order',
  form: AddPartForm,
  reply: OpenAiUploadPart,
  handle: async (call) => {
    const { context, caller, http } = call;
    const part = await readFilePart(
      http.req.raw,
      ({ body }) =>
        addUploadPart(context, caller, { uploadId: idOf(call), mostBytes: MOST_PART_BYTES, mostParts: MOST_PARTS, body }),
      'data',
    );
    return { id: part.id, object: 'upload.part' as const, created_at: toSeconds(part.createdAt), upload_id: part.uploadId };
  },
});

const complete = openaiRoute({
  method: 'post',
  path: `${ONE}/complete`,
  tag,
  operationId: 'completeUpload',
  summary: 'Make a file of the parts that have come',
  body: CompleteUploadRequest,
  reply: OpenAiUpload,
  handle: async (call) => {
    const { part_ids: partIds, md5 } = call.body;
    const upload = await completeUpload(call.context, call.caller, { uploadId: idOf(call), partIds, md5 });
    if (upload.datasetId !== null) call.http.set('subject', makeName(upload.accountId, 'datasets', upload.datasetId));
    return toReply(call, upload);
  },
});

const cancel = openaiRoute({
  method: 'post',
  path: `${ONE}/cancel`,
  tag,
  operationId: 'cancelUpload',
  summary: 'End an upload, and delete its parts',
  reply: OpenAiUpload,
  handle: async (call) => toReply(call, await cancelUpload(call.context, call.caller, idOf(call))),
});

const toReply = async ({ context: { store, clock } }: Pick<AnyCall, 'context'>, upload: Upload): Promise<OpenAiUpload> => {
  const { accountId, datasetId } = upload;
  const now = clock.now();
  const [file] = datasetId === null ? [] : await listFiles(store.db, { accountId, now, datasetId });
  return {
    id: upload.id,
    object: 'upload',
    bytes: upload.bytes,
    created_at: toSeconds(upload.createdAt),
    expires_at: toSeconds(upload.expiresAt),
    filename: upload.filename,
    purpose: upload.purpose,
    status: uploadStatusAt(upload, now),
    file: file === undefined ? null : toFileReply(file),
  };
};

/** Every route of the resource. */
export const uploadRoutes = [create, addPart, complete, cancel];
