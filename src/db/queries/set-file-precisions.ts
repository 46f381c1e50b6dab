import type { Model } from '../schema.ts';
import type { Tx } from '../store.ts';

/** Says of files of a model what our own engine runs them in. */
export async function setFilePrecisions(
  tx: Tx,
  { accountId, id }: Pick<Model, 'accountId' | 'id'>,
  precisions: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [name, precision] of precisions)
    await tx
      .updateTable('modelFile')
      .set({ precision })
      .where('accountId', '=', accountId)
      .where('modelId', '=', id)
      .where('name', '=', name)
      .execute();
}
