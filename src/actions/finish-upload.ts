import { Problem } from '../base/problem.ts';
import { sealFiles } from '../db/queries/seal-files.ts';
import type { Caller, Context } from './context.ts';
import { getDataset } from './get-dataset.ts';
import { datasetEmpty } from './receive-upload.ts';

/** `:validateUpload`: closes a dataset whose files have all come. Asking again is harmless. */
export async function finishUpload(context: Context, caller: Caller, datasetId: string): Promise<void> {
  const { accountId, id, state } = await getDataset(context, caller, datasetId);
  if (state === 'READY') return;
  const sealing = await sealFiles(context.store.db, { accountId, id }, context.clock.now());
  if (sealing.kind === 'missing') throw filesMissing(id, sealing.names);
  if (sealing.kind === 'empty') throw datasetEmpty(sealing.bytes);
}

const filesMissing = (id: string, names: readonly string[]): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `Dataset "${id}" still waits for ${names.length === 1 ? 'a file' : `${names.length} files`}: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}. Put what is missing, then ask again.`,
    { reason: 'FILES_MISSING', details: { files: names.slice(0, 100) } },
  );
