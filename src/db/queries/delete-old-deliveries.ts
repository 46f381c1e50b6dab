import type { Db } from '../store.ts';

/** Forgets deliveries that are over and were made before. */
export async function deleteOldDeliveries(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('webhookDelivery').where('createdAt', '<', before).where('state', '<>', 'PENDING').execute();
}
