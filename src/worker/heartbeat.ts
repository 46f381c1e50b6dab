/** Says again and again that what this worker holds is still held. */
import type { Log } from '../base/log.ts';

/** Who is not heard of for 10 s has lost what it holds. */
const EVERY_MS = 3_000;
/** A connection may be dead by itself, so others go out beside a beat that is silent; all together they leave most connections to the rest. */
const MOST_UNDER_WAY = 3;

/** Beats until the function that it answers is called. A silent database gets few beats at a time, or they would take every connection. */
export function startHeartbeat(beat: () => Promise<void>, log: Pick<Log, 'warn'>): () => void {
  let underWay = 0;
  const timer = setInterval(() => {
    if (underWay === MOST_UNDER_WAY) return;
    underWay += 1;
    void beat()
      .catch((cause: unknown) => log.warn({ cause }, 'heartbeat failed, trying again'))
      .finally(() => {
        underWay -= 1;
      });
  }, EVERY_MS);
  return () => clearInterval(timer);
}
