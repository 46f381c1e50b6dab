import type { Engine } from '../schema.ts';
import { storableJson } from '../storable-text.ts';
import type { Db } from '../store.ts';

/** Keeps an engine; false when the id is taken. */
export async function insertEngine(db: Db, engine: Engine): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('engine')
    // An array would travel as one of PostgreSQL's own; this is JSON.
    .values({ ...engine, models: storableJson(engine.models) as never })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}
