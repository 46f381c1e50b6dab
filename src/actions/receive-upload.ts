/** Takes a dataset's one file in, and closes the dataset with it. */
import { crashPoint } from '../base/crash-point.ts';
import { Problem } from '../base/problem.ts';
import { datasetInUse } from '../db/queries/dataset-in-use.ts';
import { datasetPromised } from '../db/queries/lock-waiting-dataset.ts';
import { sealDataset } from '../db/queries/seal-dataset.ts';
import type { Dataset } from '../db/schema.ts';
import type { Tx } from '../db/store.ts';
import type { Caller, Context } from './context.ts';
import { getDataset } from './get-dataset.ts';
import { type Addition, checkQuota, measureRoom } from './quotas.ts';
import { type SizeLimit, storeFile } from './store-file.ts';

/** A file that comes in. */
export interface Upload {
  readonly datasetId: string;
  /** The name that the file is known by; folders in it are dropped. */
  readonly filename: string;
  readonly body: AsyncIterable<Uint8Array>;
}

/** What was received. */
export interface ReceivedFile {
  readonly name: string;
  readonly bytes: number;
  readonly rows: number;
  readonly receivedAt: Date;
}

/** Streams a file into a dataset that waits for it; the dataset is READY afterwards. Whatever goes wrong leaves nothing behind. */
export async function receiveUpload(
  context: Context,
  caller: Caller,
  { datasetId, filename, body }: Upload,
): Promise<ReceivedFile> {
  const { objects, clock, store } = context;
  const dataset = await getDataset(context, caller, datasetId);
  await checkTakesFile(context, dataset);
  const { accountId, id } = dataset;
  const quota = { accountId, id: 'dataset-bytes' } as const;
  const stored = await storeFile(context, body, await datasetLimit(context, quota));
  const file = { ...stored, accountId, datasetId: id, name: toFileName(filename), createdAt: clock.now() };
  try {
    if (file.rows === 0) throw datasetEmpty(file.bytes);
    const check = (tx: Tx) => checkQuota(context, tx, { ...quota, adding: 0 });
    crashPoint('upload.before-ready');
    if (!(await sealDataset(store.db, file, check))) throw alreadyReady(id);
    crashPoint('upload.after-ready');
    return { name: file.name, bytes: file.bytes, rows: file.rows, receivedAt: file.createdAt };
  } catch (cause) {
    await objects.delete([file.objectKey]);
    throw cause;
  }
}

/** The limit of a dataset, or the room that the account has left where that is less. */
export const datasetLimit = async (context: Context, quota: Pick<Addition, 'accountId' | 'id'>): Promise<SizeLimit> => {
  const { datasetBytes } = context.limits;
  const { left, exceeded } = await measureRoom(context, context.store.db, quota);
  return left < datasetBytes ? { bytes: left, exceeded } : { bytes: datasetBytes, exceeded: () => datasetTooLarge(datasetBytes) };
};

/** Said before the first byte; what can change meanwhile is looked at again when the dataset is closed. */
const checkTakesFile = async ({ store }: Context, { accountId, id, state, announced }: Dataset): Promise<void> => {
  if (state !== 'UPLOADING') throw alreadyReady(id);
  if (Object.keys(announced).length > 0) throw halfUploaded(id);
  if (await datasetInUse(store.db, accountId, id)) throw datasetPromised(id);
};

/** Folders and control characters have no place in a file's name. */
export const toFileName = (filename: string): string => {
  const base = filename.split(/[/\\]/).at(-1) ?? '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return base.replace(/[\u0000-\u001f\u007f]/g, '').slice(0, 255) || 'dataset.jsonl';
};

/** The dataset, with all its files, would be larger than one may be. */
export const datasetTooLarge = (limitBytes: number): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `The file is larger than a dataset may be here, which is ${limitBytes} bytes. Cut it into several datasets.`,
    { reason: 'DATASET_TOO_LARGE', details: { limitBytes } },
  );

/** There is not one row in it. */
export const datasetEmpty = (bytes: number): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `The file has no rows: expected at least one line that isn't blank, got ${bytes} bytes without any.`,
    { reason: 'DATASET_EMPTY' },
  );

/** It never changes any more. */
export const alreadyReady = (datasetId: string): Problem =>
  new Problem('FAILED_PRECONDITION', `Dataset "${datasetId}" has its file already and never changes. Create another one.`, {
    reason: 'DATASET_READY',
  });

const halfUploaded = (datasetId: string): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `Files of dataset "${datasetId}" are being uploaded one by one: put the rest through :getUploadEndpoint and end with :validateUpload.`,
    { reason: 'UPLOAD_BEGUN' },
  );
