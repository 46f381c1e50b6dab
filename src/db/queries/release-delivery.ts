import type { Db } from '../store.ts';

/** Gives back a delivery that was not tried to the end: it is due for anybody. */
export async function releaseDelivery(db: Db, id: number): Promise<void> {
  await db.updateTable('webhookDelivery').set({ leasedUntil: null }).where('id', '=', id).execute();
}

/** Gives back all that are in somebody's hands: of a process that is dead, where there was no other. */
export async function releaseDeliveries(db: Db): Promise<void> {
  await db.updateTable('webhookDelivery').set({ leasedUntil: null }).where('leasedUntil', 'is not', null).execute();
}
