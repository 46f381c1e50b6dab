import type { Engine } from '../schema.ts';
import { storableJson } from '../storable-text.ts';
import type { Db } from '../store.ts';

export type EngineChanges = Partial<Omit<Engine, 'accountId' | 'id' | 'createdAt' | 'createdBy'>>;

/** Changes an engine; undefined when there is none. */
export const updateEngine = (
  db: Db,
  { accountId, id }: Pick<Engine, 'accountId' | 'id'>,
  { models, ...changes }: EngineChanges,
): Promise<Engine | undefined> =>
  db
    .updateTable('engine')
    .set({ ...changes, ...(models !== undefined && { models: storableJson(models) as never }) })
    .where('accountId', '=', accountId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
