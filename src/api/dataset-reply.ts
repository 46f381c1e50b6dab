import type { ReceivedFile } from '../actions/receive-upload.ts';
import { type Dataset as DatasetReply, DATASET_FORMATS as FORMATS, type UploadReply } from '../contract/dataset.ts';
import { makeName } from '../contract/names.ts';
import type { Dataset } from '../db/schema.ts';

/** What a token is about, for English and code. */
const BYTES_PER_TOKEN = 4;

/** A dataset in the shape of the wire: every field, the unset ones too. */
export const toDatasetReply = (dataset: Dataset): DatasetReply => ({
  name: makeName(dataset.accountId, 'datasets', dataset.id),
  displayName: dataset.displayName,
  createTime: dataset.createdAt.toISOString(),
  updateTime: dataset.updatedAt.toISOString(),
  createdBy: dataset.createdBy,
  state: dataset.state,
  status: { code: 'OK', message: '' },
  exampleCount: String(dataset.rows ?? dataset.declaredRows ?? 0),
  ...(dataset.sourceJob === null && dataset.origin),
  externalUrl: '',
  format: FORMATS.find((known) => known === dataset.format) ?? 'FORMAT_UNSPECIFIED',
  sourceJobName: dataset.sourceJob === null ? '' : makeName(dataset.accountId, 'batchInferenceJobs', dataset.sourceJob),
  estimatedTokenCount: String(Math.ceil(dataset.bytes / BYTES_PER_TOKEN)),
  averageTurnCount: 0,
  encryptionState: 'ENCRYPTION_STATE_PLAINTEXT',
});

/** A file that was received, in the shape of the wire. */
export const toUploadReply = (datasetName: string, { name, bytes, receivedAt }: ReceivedFile): UploadReply => ({
  id: datasetName,
  object: 'file',
  bytes,
  created_at: Math.floor(receivedAt.getTime() / 1000),
  filename: name,
  purpose: 'dataset',
});
