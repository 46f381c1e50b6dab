import type { Model } from '../schema.ts';
import type { Db } from '../store.ts';

export type ModelChanges = Partial<
  Pick<Model, 'displayName' | 'description' | 'public' | 'details' | 'precisions' | 'state' | 'pull'>
> & {
  readonly updatedAt: Date;
};

/** Undefined when there is no such model any more. */
export const updateModel = (db: Db, uid: string, { precisions, ...changes }: ModelChanges): Promise<Model | undefined> =>
  db
    .updateTable('model')
    // An array would travel as one of PostgreSQL's own; this is JSON.
    .set({ ...changes, ...(precisions !== undefined && { precisions: JSON.stringify(precisions) as never }) })
    .where('uid', '=', uid)
    .returningAll()
    .executeTakeFirst();
