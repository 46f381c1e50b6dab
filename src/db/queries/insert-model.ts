import type { Insertable } from 'kysely';
import type { Model, Schema } from '../schema.ts';
import type { Db } from '../store.ts';

export type NewModel = Readonly<Insertable<Schema['model']>>;

/** Makes a model that waits for its files; undefined when the name is taken. */
export const insertModel = (db: Db, model: NewModel): Promise<Model | undefined> =>
  db
    .insertInto('model')
    .values(model)
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
