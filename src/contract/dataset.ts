/** Datasets on the wire. */
import { z } from 'zod';
import { Status } from './errors.ts';
import { Flag, Int32, Int64, readOnly, Timestamp } from './json.ts';
import { ListQuery, ReadQuery } from './list.ts';
import { ID_RULE } from './names.ts';

/** Names of the two files that a job writes into its output dataset. */
export const OUTPUT_FILES = { results: 'BIJOutputSet.jsonl', errors: 'error-data' } as const;

const DATASET_STATES = ['STATE_UNSPECIFIED', 'UPLOADING', 'READY'] as const;

/** What the rows of a dataset can be said to be. */
export const DATASET_FORMATS = ['FORMAT_UNSPECIFIED', 'CHAT', 'COMPLETION', 'RL'] as const;

const fields = {
  displayName: z.string().max(63).describe('Label for people, fewer than 64 characters'),
  format: z.enum(DATASET_FORMATS).describe('What the rows are, when their owner says'),
  exampleCount: z.string().meta({ format: 'int64', description: 'Rows: as declared until they are counted, then as counted' }),
};

/** A dataset as it is answered. */
export const Dataset = z
  .object({
    name: z.string().describe('`accounts/{account}/datasets/{id}`'),
    displayName: fields.displayName,
    createTime: Timestamp.describe('When it was made'),
    updateTime: Timestamp.describe('When it last changed'),
    createdBy: z.string().describe('Who made it'),
    state: z
      .enum(DATASET_STATES)
      .describe('`UPLOADING` until its files are in place, then `READY` for ever: a dataset never changes'),
    status: Status,
    exampleCount: fields.exampleCount,
    userUploaded: z.object({}).optional().describe('Present when the rows were uploaded'),
    transformed: z
      .object({
        sourceDatasetId: z.string().describe('Full name of the other one'),
        filter: z.string().describe('Which of its rows; empty for all'),
        originalFormat: z.enum(DATASET_FORMATS).describe('Format of the other one'),
      })
      .optional()
      .describe('Present when it is a copy of another dataset'),
    splitted: z
      .object({ sourceDatasetId: z.string().describe('Full name of the other one') })
      .optional()
      .describe('Present when it is a piece of another dataset'),
    externalUrl: z.string().describe('Where the files are when they are not here; always empty'),
    format: fields.format,
    sourceJobName: z.string().describe('The job that wrote it; empty for an uploaded one'),
    estimatedTokenCount: z
      .string()
      .meta({ format: 'int64', description: 'About how many tokens the rows are: a quarter of their bytes' }),
    averageTurnCount: z.number().describe('Not measured; always 0'),
    encryptionState: z.literal('ENCRYPTION_STATE_PLAINTEXT').describe('Files are stored as they came'),
  })
  .meta({ id: 'Dataset', description: 'Immutable files of rows' });
export type Dataset = z.output<typeof Dataset>;

/** Where a dataset can come from on the original system; uploads and copies are taken here. */
const origins = {
  userUploaded: z.strictObject({}).optional().describe('The rows will be uploaded; the default'),
  evaluationResult: z.looseObject({}).optional().describe('Not offered here'),
  transformed: z
    .strictObject({
      sourceDatasetId: z.string().describe('As the `sourceDatasetId` beside the dataset'),
      filter: z.string().optional().describe('As the `filter` beside the dataset'),
      originalFormat: z.enum(DATASET_FORMATS).optional().describe('Accepted; taken from the other dataset'),
    })
    .optional()
    .describe('Makes it a copy of another dataset'),
  splitted: z.looseObject({}).optional().describe('Not offered here: `:splitDataset` makes such'),
  evalProtocol: z.looseObject({}).optional().describe('Not offered here'),
};

const DatasetInput = z
  .strictObject({
    displayName: fields.displayName.optional(),
    format: fields.format.optional(),
    exampleCount: Int64.pipe(z.number().min(0)).optional().describe('Rows, when known; counted in any case'),
    externalUrl: z.string().optional().describe('Not offered here; must be empty'),
    ...origins,
    ...readOnly('name', 'createTime', 'updateTime', 'createdBy', 'state', 'status', 'sourceJobName'),
    ...readOnly('estimatedTokenCount', 'averageTurnCount', 'encryptionState'),
  })
  .meta({ id: 'DatasetInput', description: 'A dataset as it is sent' });

/** Body of a create. */
export const CreateDatasetRequest = z
  .strictObject({
    datasetId: z.string().describe(`The new dataset's id: ${ID_RULE}`),
    dataset: DatasetInput.optional(),
    sourceDatasetId: z
      .string()
      .optional()
      .describe('A dataset that is READY: the new one gets copies of its files, and is READY at once'),
    filter: z
      .string()
      .optional()
      .describe(
        'Which rows to copy, in the words of list filters: `body.temperature > 0.5 AND NOT custom_id = "test-*"`. Fields are paths into a row; lines that are no JSON are not copied. Empty for all',
      ),
  })
  .meta({
    id: 'CreateDatasetRequest',
    description: 'A new dataset',
    examples: [{ datasetId: 'my-rows', dataset: { userUploaded: {} } }],
  });
export type CreateDatasetRequest = z.output<typeof CreateDatasetRequest>;

/** Body of an update: what is absent stays. */
export const UpdateDatasetRequest = DatasetInput;

/** Reply of a direct upload: the one shape in snake_case, with plain numbers. */
export const UploadReply = z
  .object({
    id: z.string().describe('Full name of the dataset'),
    object: z.literal('file'),
    bytes: z.int().describe('Size of the file'),
    created_at: z.int().describe('Seconds since 1970'),
    filename: z.string().describe('As sent'),
    purpose: z.literal('dataset'),
  })
  .meta({ id: 'UploadReply', description: 'A file that was received' });
export type UploadReply = z.output<typeof UploadReply>;

/** Body of `:splitDataset`. */
export const SplitDatasetRequest = z
  .strictObject({
    chunkSize: Int32.pipe(z.number().min(1)).describe('Rows of each piece, at least 200; the last one has what is left'),
    parent: z.string().optional().describe('Accepted: pieces are made in the account of the dataset'),
  })
  .meta({ id: 'SplitDatasetRequest', description: 'How to cut a dataset' });

/** Reply of `:splitDataset`. */
export const SplitDatasetReply = z
  .object({
    chunkDatasetNames: z.array(z.string()).describe('Full names of the pieces, in order'),
    chunksCreated: z.int().describe('How many there are'),
    totalExamples: z.int().describe('Rows of all of them together'),
  })
  .meta({ id: 'SplitDatasetReply', description: 'The pieces of a dataset' });

/** Query of `:preview`. */
export const PreviewQuery = ListQuery.pick({ pageSize: true, pageToken: true });

/** Reply of `:preview`. */
export const DatasetPreview = z
  .object({
    examples: z.array(z.unknown()).describe('Rows, in order; a line that is no JSON as a string'),
    nextPageToken: z.string().describe('Give it as `pageToken` to get the next rows; empty after the last one'),
    totalCount: z.int().describe('Rows of the whole dataset'),
  })
  .meta({ id: 'DatasetPreview', description: 'Some rows of a dataset' });

/** Body of `:getUploadEndpoint`. */
export const UploadLinksRequest = z
  .strictObject({
    filenameToSize: z
      .record(z.string(), Int64)
      .describe('Every file of the dataset that is to be put, with its size in bytes: exactly so much must come'),
    readMask: z.string().optional().describe('Comma-separated fields to answer; empty or `*` means all'),
  })
  .meta({
    id: 'DatasetUploadLinksRequest',
    description: 'Files that are going to be put',
    examples: [{ filenameToSize: { 'rows.jsonl': '123456' } }],
  });

/** Reply of `:getUploadEndpoint`. */
export const UploadLinks = z
  .object({
    filenameToSignedUrls: z
      .record(z.string(), z.string())
      .describe('File name to a URL that takes its bytes by PUT, without a key'),
  })
  .meta({ id: 'DatasetUploadLinks', description: 'Where to put the files of a dataset' });

/** Reply of `:getDownloadEndpoint`. */
export const DownloadLinks = z
  .object({
    filenameToSignedUrls: z
      .record(z.string(), z.string())
      .describe('`dataset/{id}/{file}` to a URL that needs no key and expires'),
  })
  .meta({ id: 'DownloadLinks', description: 'Where to download the files of a dataset' });

/** Query of `:getDownloadEndpoint`. */
export const DownloadQuery = ReadQuery.extend({
  downloadLineage: Flag.optional().describe('True adds the files of every dataset in the chain of continued jobs'),
  merge: Flag.optional().describe(
    'True gives one file in place of the dataset’s own: every row that a job of the chain has got to, once, in input order; its answer where there is one, else its last error',
  ),
});

/** The name of the file that `merge` gives. */
export const MERGED_FILE = 'merged.jsonl';

/** The key of a file in `filenameToSignedUrls`. */
export const downloadKey = (datasetId: string, file: string): string => `dataset/${datasetId}/${file}`;
