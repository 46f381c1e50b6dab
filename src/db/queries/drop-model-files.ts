import type { Model } from '../schema.ts';
import type { Tx } from '../store.ts';

/** Forgets files that nothing runs, but for those that are still wanted; answers the objects that they leave. */
export async function dropModelFiles(
  tx: Tx,
  { accountId, id }: Pick<Model, 'accountId' | 'id'>,
  wanted: readonly string[],
): Promise<readonly string[]> {
  const dropped = await tx
    .deleteFrom('modelFile')
    .where('accountId', '=', accountId)
    .where('modelId', '=', id)
    .where('precision', 'is', null)
    .$if(wanted.length > 0, (files) => files.where('name', 'not in', wanted))
    .returning('objectKey')
    .execute();
  return dropped.flatMap(({ objectKey }) => objectKey ?? []);
}
