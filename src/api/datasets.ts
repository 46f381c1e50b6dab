/** `/v1/accounts/{account}/datasets`. */
import { z } from 'zod';
import { createDataset } from '../actions/create-dataset.ts';
import { deleteDataset } from '../actions/delete-dataset.ts';
import { copyDataset } from '../actions/derive-dataset.ts';
import { getDataset } from '../actions/get-dataset.ts';
import { updateDataset } from '../actions/update-dataset.ts';
import { CreateDatasetRequest, DATASET_FORMATS, Dataset, UpdateDatasetRequest } from '../contract/dataset.ts';
import { ListQuery, listReply, ReadQuery } from '../contract/list.ts';
import { type DatasetColumn, listDatasets } from '../db/queries/list-datasets.ts';
import type { Page } from '../db/queries/page.ts';
import { makeRowFilter } from '../jobs/row-filter.ts';
import { toDatasetReply } from './dataset-reply.ts';
import { sourceOf } from './dataset-source.ts';
import { datasetVerbRoutes } from './dataset-verbs.ts';
import { type FieldKind, parseOrRefuse } from './list-filter.ts';
import { applyMask } from './read-mask.ts';
import { replyPage } from './reply-page.ts';
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
  summary: 'Create a dataset that waits for its file, or a copy of another one or of some of its rows',
  once: {},
  body: CreateDatasetRequest,
  reply: Dataset,
  handle: async ({ context, caller, body }) => {
    const source = sourceOf(body);
    const { displayName, format, exampleCount } = body.dataset ?? {};
    const wish = { id: body.datasetId, displayName, format, declaredRows: exampleCount };
    return toDatasetReply(
      source === undefined
        ? await createDataset(context, caller, wish)
        : await copyDataset(context, caller, { ...wish, ...source, keeps: makeRowFilter(parseOrRefuse(source.filter)) }),
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
  handle: ({ context, caller: { accountId }, query }) => {
    const take = (page: Page<DatasetColumn>) => listDatasets(context.store.db, page);
    return replyPage('datasets', query, { accountId, columns, kinds, take, toReply: toDatasetReply });
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
  summary: 'Change label or format of a dataset; its rows never change',
  body: UpdateDatasetRequest,
  reply: Dataset,
  handle: async (call) => {
    const { displayName, format } = call.body;
    return toDatasetReply(await updateDataset(call.context, call.caller, { name: idOf(call), displayName, format }));
  },
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

/** Every route of the resource. */
export const datasetRoutes = [create, list, get, update, remove, ...datasetVerbRoutes];
