import { SILENT_MS } from '../db/engine-board.ts';
import { deleteExpiredReplies } from '../db/queries/delete-expired-replies.ts';
import { deleteOldDeliveries } from '../db/queries/delete-old-deliveries.ts';
import { deleteSilentReports } from '../db/queries/delete-silent-reports.ts';
import type { Context } from './context.ts';

/** How long the log of webhooks is kept. */
const LOG_MS = 30 * 86_400_000;

/** Upkeep: forgets replies that no retry gets any more, deliveries that were over long ago, and what processes said of engines that are gone. */
export async function forgetOld({ store, clock }: Pick<Context, 'store' | 'clock'>): Promise<void> {
  const now = clock.now();
  await deleteExpiredReplies(store.db, now);
  await deleteOldDeliveries(store.db, new Date(now.getTime() - LOG_MS));
  await deleteSilentReports(store.db, new Date(now.getTime() - SILENT_MS));
}
