import { sql } from 'kysely';
import type { Model } from '../schema.ts';
import type { Db } from '../store.ts';

/** Who is to fetch a model. */
export interface PullTaking {
  readonly uid: string;
  readonly holder: string;
  readonly now: Date;
  /** From then on somebody else may, unless it was said again. */
  readonly heldUntil: Date;
}

/** Of several that ask at once one gets it; undefined for the others, and when there is nothing to fetch any more. */
export const takePull = (db: Db, { uid, holder, now, heldUntil }: PullTaking): Promise<Model | undefined> =>
  db
    .updateTable('model')
    .set({ pull: sql`pull || ${JSON.stringify({ holder, heldUntil })}::jsonb` })
    .where('uid', '=', uid)
    .where(sql<boolean>`pull->>'state' in ('PULLING', 'CHECKING')`)
    .where(sql<boolean>`(coalesce(pull->>'holder', ${holder}) = ${holder} or (pull->>'heldUntil')::timestamptz <= ${now})`)
    .returningAll()
    .executeTakeFirst();
