import type { Insertable } from 'kysely';
import type { Schema } from '../schema.ts';
import { storableText } from '../storable-text.ts';
import type { Db } from '../store.ts';

export type NewEvent = Readonly<Insertable<Schema['event']>>;

/** Notes something on a job's timeline. Moves of its state note themselves. */
export async function addEvent(db: Db, event: NewEvent): Promise<void> {
  await db
    .insertInto('event')
    .values({ ...event, message: storableText(event.message) })
    .execute();
}
