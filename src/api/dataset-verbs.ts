/** What can be done with a dataset beyond making, reading and deleting it. */
import { z } from 'zod';
import { splitDataset } from '../actions/derive-dataset.ts';
import { finishUpload } from '../actions/finish-upload.ts';
import { getDataset } from '../actions/get-dataset.ts';
import { linkDownload } from '../actions/link-download.ts';
import { linkUpload } from '../actions/link-upload.ts';
import { previewDataset } from '../actions/preview-dataset.ts';
import { receiveUpload } from '../actions/receive-upload.ts';
import {
  DatasetPreview,
  DownloadLinks,
  DownloadQuery,
  PreviewQuery,
  SplitDatasetReply,
  SplitDatasetRequest,
  UploadLinks,
  UploadLinksRequest,
  UploadReply,
} from '../contract/dataset.ts';
import { DEFAULT_PAGE_SIZE, makePageToken } from '../contract/list.ts';
import { makeName } from '../contract/names.ts';
import { toUploadReply } from './dataset-reply.ts';
import { readFilePart } from './multipart.ts';
import { readOffset } from './pages.ts';
import { applyMask } from './read-mask.ts';
import { type Call, route } from './route.ts';

const ONE = '/v1/accounts/{account_id}/datasets/{dataset_id}';
const tag = 'Datasets';
const idOf = ({ params }: Call<unknown, unknown>): string => params['dataset_id'] ?? '';

const upload = route({
  method: 'post',
  path: `${ONE}/@upload`,
  tag,
  summary: 'Upload the file of a dataset',
  form: z.object({ file: z.string().meta({ format: 'binary', description: 'JSON lines' }) }),
  reply: UploadReply,
  handle: async (call) => {
    const { context, caller, http } = call;
    const datasetId = idOf(call);
    const file = await readFilePart(http.req.raw, ({ filename, body }) =>
      receiveUpload(context, caller, { datasetId, filename, body }),
    );
    return toUploadReply(makeName(caller.accountId, 'datasets', datasetId), file);
  },
});

const download = route({
  method: 'get',
  path: `${ONE}/@getDownloadEndpoint`,
  tag,
  summary: 'Get links to the files of a dataset',
  query: DownloadQuery,
  reply: DownloadLinks,
  handle: async (call) => {
    const { downloadLineage: lineage, merge, readMask } = call.query;
    const links = await linkDownload(call.context, call.caller, { datasetId: idOf(call), lineage, merge });
    return applyMask({ filenameToSignedUrls: links }, readMask);
  },
});

const uploadLinks = route({
  method: 'post',
  path: `${ONE}/@getUploadEndpoint`,
  tag,
  summary: 'Get links to which the files of a dataset are put',
  body: UploadLinksRequest,
  reply: UploadLinks,
  handle: async (call) => {
    const { filenameToSize: sizes, readMask } = call.body;
    const links = await linkUpload(call.context, call.caller, { datasetId: idOf(call), sizes });
    return applyMask({ filenameToSignedUrls: links }, readMask);
  },
});

const validate = route({
  method: 'post',
  path: `${ONE}/@validateUpload`,
  tag,
  summary: 'Close a dataset whose files have all been put',
  body: z.looseObject({}),
  reply: z.object({}),
  handle: async (call) => {
    await finishUpload(call.context, call.caller, idOf(call));
    return {};
  },
});

const preview = route({
  method: 'get',
  path: `${ONE}/@preview`,
  tag,
  summary: 'Look at rows of a dataset',
  query: PreviewQuery,
  reply: DatasetPreview,
  handle: async (call) => {
    const { context, caller, query } = call;
    const { id, accountId, createdAt } = await getDataset(context, caller, idOf(call));
    const boundTo = ['preview', accountId, id, createdAt.toISOString()];
    const wish = { datasetId: id, rows: query.pageSize ?? DEFAULT_PAGE_SIZE, offset: readOffset(query.pageToken, boundTo) };
    const { rows, total, next } = await previewDataset(context, caller, wish);
    return { examples: [...rows], nextPageToken: next === undefined ? '' : makePageToken(next, boundTo), totalCount: total };
  },
});

const split = route({
  method: 'post',
  path: `${ONE}/@splitDataset`,
  tag,
  summary: 'Cut a dataset into datasets of so many rows',
  once: {},
  body: SplitDatasetRequest,
  reply: SplitDatasetReply,
  handle: async (call) => {
    const { context, caller, body } = call;
    const { datasetIds, rows } = await splitDataset(context, caller, { datasetId: idOf(call), rowsEach: body.chunkSize });
    return {
      chunkDatasetNames: datasetIds.map((id) => makeName(caller.accountId, 'datasets', id)),
      chunksCreated: datasetIds.length,
      totalExamples: rows,
    };
  },
});

/** All of them. */
export const datasetVerbRoutes = [upload, uploadLinks, validate, download, preview, split];
