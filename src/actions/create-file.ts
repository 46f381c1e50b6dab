/** Files of OpenAI's dialect: rows come in first, what they are for may come behind them, and then there is a dataset that never changes. */
import { makeId } from '../base/ids.ts';
import { insertDerivedDatasets } from '../db/queries/insert-derived-datasets.ts';
import type { Tx } from '../db/store.ts';
import type { Caller, Context } from './context.ts';
import { checkQuota } from './quotas.ts';
import { datasetEmpty, datasetLimit, toFileName } from './receive-upload.ts';
import { type StoredFile, storeFile } from './store-file.ts';

const ID_CHARACTERS = 24;
/** Labels are shorter than names of files. */
const LABEL_CHARACTERS = 63;

/** What a caller says of a file. */
export interface FileWish {
  /** Folders in it are dropped. */
  readonly filename: string;
  readonly purpose: string;
  /** How long it lives; for ever when absent. */
  readonly lifeSeconds?: number | undefined;
}

/** A file on its way in; what is wished is known once it has come. */
export interface IncomingNewFile {
  readonly body: AsyncIterable<Uint8Array>;
  readonly wish: () => Promise<FileWish>;
}

/** Streams it in; answers the id of its dataset. Whatever goes wrong leaves nothing behind. */
export async function receiveNewFile(context: Context, caller: Caller, { body, wish }: IncomingNewFile): Promise<string> {
  const stored = await storeFile(context, body, await datasetLimit(context, quotaOf(caller)));
  return keepFile(context, caller, { stored, wish });
}

/** A file that is in the object store and is nobody's yet. */
export interface NewFile {
  readonly stored: StoredFile;
  readonly wish: () => Promise<FileWish>;
  /** What becomes true together with the file; it may refuse. */
  readonly also?: (tx: Tx, datasetId: string) => Promise<void>;
}

/** Makes it a dataset that is READY; answers the id. When that is refused, the object is deleted. */
export async function keepFile(context: Context, caller: Caller, { stored, wish, also }: NewFile): Promise<string> {
  const id = makeId(ID_CHARACTERS);
  try {
    const { filename, purpose, lifeSeconds } = await wish();
    if (stored.rows === 0) throw datasetEmpty(stored.bytes);
    const name = toFileName(filename);
    const createdAt = context.clock.now();
    const expiresAt = lifeSeconds === undefined ? null : new Date(createdAt.getTime() + lifeSeconds * 1000);
    const { accountId, name: createdBy } = caller;
    const dataset = { accountId, id, displayName: toLabel(name), purpose, expiresAt, createdBy, createdAt };
    await insertDerivedDatasets(context.store.db, [{ dataset, files: [{ ...stored, name }] }], async (tx) => {
      await also?.(tx, id);
      await checkQuota(context, tx, { ...quotaOf(caller), adding: 0 });
    });
    return id;
  } catch (cause) {
    await context.objects.delete([stored.objectKey]);
    throw cause;
  }
}

const quotaOf = ({ accountId }: Caller) => ({ accountId, id: 'dataset-bytes' }) as const;

/** No half of a surrogate pair at the end. */
const toLabel = (name: string): string => name.slice(0, LABEL_CHARACTERS).toWellFormed();
