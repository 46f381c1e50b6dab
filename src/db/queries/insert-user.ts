import type { Insertable } from 'kysely';
import type { Schema, User } from '../schema.ts';
import type { Db } from '../store.ts';

export type NewUser = Readonly<Insertable<Schema['accountUser']>>;

/** Makes a user; undefined when the id or the address is somebody's already. */
export const insertUser = (db: Db, user: NewUser): Promise<User | undefined> =>
  db
    .insertInto('accountUser')
    .values(user)
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
