/** How a worker without a database shows that it belongs to the fleet. Made from the fleet's secret, and no key of an account. */
import { createHmac, timingSafeEqual } from 'node:crypto';

const LABEL = 'boatload: workers over HTTP';

/** What a worker sends as its bearer token. */
export const makeWorkerToken = (secret: Uint8Array): string => createHmac('sha256', secret).update(LABEL).digest('hex');

/** Whether that was sent; takes as long for every wrong one. */
export function isWorkerToken(secret: Uint8Array, given: string): boolean {
  const [wanted, got] = [makeWorkerToken(secret), given].map((text) => createHmac('sha256', secret).update(text).digest());
  return wanted !== undefined && got !== undefined && timingSafeEqual(wanted, got);
}
