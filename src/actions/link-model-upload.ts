/** `:getUploadEndpoint` of a model: announces its files, and answers where to put each, at exactly the size that was announced. */
import { announceModelFiles } from '../db/queries/announce-model-files.ts';
import { lockModel } from '../db/queries/lock-model.ts';
import { checkFileSizes } from './check-file-sizes.ts';
import type { Caller } from './context.ts';
import { getOwnRecord } from './get-model.ts';
import { type LinkContext, type ModelTarget, toPlainUrl, toSignedUrl } from './model-links.ts';
import { modelNotWaiting } from './model-not-waiting.ts';
import { checkQuota } from './quotas.ts';

/** What is to come: bytes by file name. */
export interface ModelUploadWish {
  readonly id: string;
  readonly sizes: Readonly<Record<string, number>>;
}

/** Links by file name, with and without the permission. */
export interface UploadLinks {
  readonly signed: Readonly<Record<string, string>>;
  readonly unsigned: Readonly<Record<string, string>>;
}

/** Asking again for a file is harmless; with another size it has to be put again. */
export async function linkModelUpload(
  context: LinkContext,
  caller: Caller,
  { id, sizes }: ModelUploadWish,
): Promise<UploadLinks> {
  checkFileSizes(sizes);
  const { accountId } = await getOwnRecord(context, caller, id);
  await context.store.db.transaction().execute(async (tx) => {
    const model = await lockModel(tx, { accountId, id });
    if (model?.state !== 'UPLOADING') throw modelNotWaiting(id);
    await announceModelFiles(tx, model, { sizes, at: context.clock.now() });
    await checkQuota(context, tx, { accountId, id: 'model-bytes', adding: 0 });
  });
  const targets = Object.entries(sizes).map(
    ([file, bytes]): ModelTarget => ({ allows: 'upload', collection: 'models', accountId, id, file, bytes }),
  );
  return {
    signed: Object.fromEntries(targets.map((target) => [target.file, toSignedUrl(context, target)])),
    unsigned: Object.fromEntries(targets.map((target) => [target.file, toPlainUrl(context, target)])),
  };
}
