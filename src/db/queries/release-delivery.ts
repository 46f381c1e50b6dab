import type { Db } from '../store.ts';

/** Gives back a delivery that was not tried to the end: it is due for anybody. */
export async function releaseDelivery(db: Db, id: number): Promise<void> {
  await db.updateTable('webhookDelivery').set({ leasedUntil: null }).where('id', '=', id).execute();
}
