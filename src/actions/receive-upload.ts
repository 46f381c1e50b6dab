/** Takes a dataset's file in: bytes go straight to the object store, and are counted on the way. */
import { createHash } from 'node:crypto';
import { Problem } from '../base/problem.ts';
import { datasetInUse } from '../db/queries/dataset-in-use.ts';
import { sealDataset } from '../db/queries/seal-dataset.ts';
import { makeUploadKey } from '../jobs/object-keys.ts';
import type { Caller, Context } from './context.ts';
import { getDataset } from './get-dataset.ts';
import { RowCounter } from './row-counter.ts';

/** A file that comes in. */
export interface Upload {
  readonly datasetId: string;
  /** The name that the file is known by; folders in it are dropped. */
  readonly filename: string;
  readonly body: AsyncIterable<Uint8Array>;
}

/** What was counted on the way. */
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
  const { objects, limits, clock, store } = context;
  const { accountId, id, state } = await getDataset(context, caller, datasetId);
  if (state !== 'UPLOADING') throw alreadyReady(id);
  if (await datasetInUse(store.db, accountId, id)) throw promised(id);
  const objectKey = makeUploadKey();
  const tally = { rows: new RowCounter(), hash: createHash('sha256') };
  const { bytes } = await objects.putStream(objectKey, measured(body, { tally, limit: limits.datasetBytes }));
  const received = { name: toFileName(filename), bytes, rows: tally.rows.rows };
  const createdAt = clock.now();
  try {
    if (received.rows === 0) throw emptyFile(bytes);
    const file = { ...received, accountId, datasetId: id, objectKey, sha256: tally.hash.digest('hex'), createdAt };
    if (!(await sealDataset(store.db, file))) throw alreadyReady(id);
    return { ...received, receivedAt: createdAt };
  } catch (cause) {
    await objects.delete([objectKey]);
    throw cause;
  }
}

interface Measures {
  readonly tally: { readonly rows: RowCounter; readonly hash: { update(bytes: Uint8Array): unknown } };
  readonly limit: number;
}

async function* measured(body: AsyncIterable<Uint8Array>, { tally, limit }: Measures): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > limit) throw tooLarge(limit);
    tally.rows.add(chunk);
    tally.hash.update(chunk);
    yield chunk;
  }
}

/** Folders and control characters have no place in a file's name. */
const toFileName = (filename: string): string => {
  const base = filename.split(/[/\\]/).at(-1) ?? '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return base.replace(/[\u0000-\u001f\u007f]/g, '').slice(0, 255) || 'dataset.jsonl';
};

const tooLarge = (limitBytes: number): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `The file is larger than a dataset may be here, which is ${limitBytes} bytes. Cut it into several datasets.`,
    {
      reason: 'DATASET_TOO_LARGE',
      details: { limitBytes },
    },
  );

const emptyFile = (bytes: number): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `The file has no rows: expected at least one line that isn't blank, got ${bytes} bytes without any.`,
    {
      reason: 'DATASET_EMPTY',
    },
  );

const alreadyReady = (datasetId: string): Problem =>
  new Problem('FAILED_PRECONDITION', `Dataset "${datasetId}" has its file already and never changes. Create another one.`, {
    reason: 'DATASET_READY',
  });

const promised = (datasetId: string): Problem =>
  new Problem('FAILED_PRECONDITION', `Dataset "${datasetId}" is the output of a job that hasn't ended. Upload to another one.`, {
    reason: 'DATASET_IN_USE',
  });
