/** `/v1/accounts/{account}/datasets`. */
import { z } from 'zod';
import { createDataset } from '../actions/create-dataset.ts';
import { deleteDataset } from '../actions/delete-dataset.ts';
import { finishUpload } from '../actions/finish-upload.ts';
import { getDataset } from '../actions/get-dataset.ts';
import { linkDownload } from '../actions/link-download.ts';
import { linkUpload } from '../actions/link-upload.ts';
import { receiveUpload } from '../actions/receive-upload.ts';
import { updateDataset } from '../actions/update-dataset.ts';
import {
  CreateDatasetRequest,
  DATASET_FORMATS,
  Dataset,
  DownloadLinks,
  DownloadQuery,
  UpdateDatasetRequest,
  UploadLinks,
  UploadLinksRequest,
  UploadReply,
} from '../contract/dataset.ts';
import { ListQuery, listReply, ReadQuery } from '../contract/list.ts';
import { makeName } from '../contract/names.ts';
import { type DatasetColumn, listDatasets } from '../db/queries/list-datasets.ts';
import { toDatasetReply, toUploadReply } from './dataset-reply.ts';
import type { FieldKind } from './list-filter.ts';
import { readFilePart } from './multipart.ts';
import { readPage } from './pages.ts';
import { applyMask } from './read-mask.ts';
import { refuseDerived } from './refuse-derived.ts';
import { type Call, route } from './route.ts';

const COLLECTION = '/v1/accounts/{account_id}/datasets';
const ONE = `${COLLECTION}/{dataset_id}`;
const tag = 'Datasets';
const columns: Readonly<Record<string, DatasetColumn>> = {
  name: 'id',
  displayName: 'displayName',
  createTime: 'createdAt',
  createdTime: 'createdAt',
  updateTime: 'updatedAt',
  createdBy: 'createdBy',
  state: 'state',
  format: 'format',
  exampleCount: 'rows',
  sourceJobName: 'sourceJob',
};
const kinds: Readonly<Record<string, FieldKind>> = {
  state: { prefix: '', stored: { STATE_UNSPECIFIED: undefined, UPLOADING: 'UPLOADING', READY: 'READY' } },
  format: { prefix: '', stored: Object.fromEntries(DATASET_FORMATS.map((format) => [format, format])) },
  exampleCount: 'number',
  sourceJobName: 'name',
};
const idOf = ({ params }: Call<unknown, unknown>): string => params['dataset_id'] ?? '';

const create = route({
  method: 'post',
  path: COLLECTION,
  tag,
  summary: 'Create a dataset that waits for its file',
  body: CreateDatasetRequest,
  reply: Dataset,
  handle: async ({ context, caller, body }) => {
    refuseDerived(body);
    const { displayName, format, exampleCount } = body.dataset ?? {};
    return toDatasetReply(
      await createDataset(context, caller, { id: body.datasetId, displayName, format, declaredRows: exampleCount }),
    );
  },
});

const list = route({
  method: 'get',
  path: COLLECTION,
  tag,
  summary: 'List datasets',
  query: ListQuery,
  reply: listReply('datasets', Dataset),
  handle: async ({ context, caller, query }) => {
    const { page, nextToken } = readPage(query, { accountId: caller.accountId, collection: 'datasets', columns, kinds });
    const { datasets, total } = await listDatasets(context.store.db, page);
    return {
      datasets: datasets.map((dataset) => applyMask(toDatasetReply(dataset), query.readMask)),
      nextPageToken: nextToken(total),
      totalSize: total,
    };
  },
});

const get = route({
  method: 'get',
  path: ONE,
  tag,
  summary: 'Get a dataset',
  query: ReadQuery,
  reply: Dataset,
  handle: async (call) => applyMask(toDatasetReply(await getDataset(call.context, call.caller, idOf(call))), call.query.readMask),
});

const update = route({
  method: 'patch',
  path: ONE,
  tag,
  summary: 'Change the label of a dataset',
  body: UpdateDatasetRequest,
  reply: Dataset,
  handle: async (call) =>
    toDatasetReply(await updateDataset(call.context, call.caller, { name: idOf(call), displayName: call.body.displayName })),
});

const remove = route({
  method: 'delete',
  path: ONE,
  tag,
  summary: 'Delete a dataset and its files',
  reply: z.object({}),
  handle: async (call) => {
    await deleteDataset(call.context, call.caller, idOf(call));
    return {};
  },
});

const upload = route({
  method: 'post',
  path: `${ONE}/@upload`,
  tag,
  summary: 'Upload the file of a dataset',
  takesFile: true,
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
    const { downloadLineage: lineage, merge } = call.query;
    return { filenameToSignedUrls: await linkDownload(call.context, call.caller, { datasetId: idOf(call), lineage, merge }) };
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
    const wish = { datasetId: idOf(call), sizes: call.body.filenameToSize };
    return { filenameToSignedUrls: await linkUpload(call.context, call.caller, wish) };
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

/** Every route of the resource. */
export const datasetRoutes = [create, list, get, update, remove, upload, uploadLinks, validate, download];
