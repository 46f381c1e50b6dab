/** Looks after something again and again, one look at a time. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Looking {
  readonly everyMs: number;
  /** Aborted: no further look. */
  readonly signal: AbortSignal;
  /** Told why a look came to nothing; the next one is another try. */
  readonly onTrouble: (cause: unknown) => void;
}

/** The first look is after the first pause. Resolves when the signal is aborted and no look is under way. */
export async function keepLooking(look: () => Promise<void>, { everyMs, signal, onTrouble }: Looking): Promise<void> {
  while (!signal.aborted) {
    await delay(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (!signal.aborted) await look().catch(onTrouble);
  }
}
