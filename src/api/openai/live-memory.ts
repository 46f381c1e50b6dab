/** What the bodies of live requests hold in memory: pictures make them large, and they wait for a place at an engine. */
import { Problem } from '../../base/problem.ts';

/** Of one account at once: eight of the largest, or thousands of the usual. */
const MOST_BYTES = 256 * 2 ** 20;
const COME_AGAIN_SECONDS = 1;

export class LiveMemory {
  readonly #held = new Map<string, number>();

  /** Takes bytes for an account; what is answered gives them back, once. Throws `LIVE_MEMORY_FULL`. */
  take(accountId: string, bytes: number): () => void {
    const held = (this.#held.get(accountId) ?? 0) + bytes;
    if (held > MOST_BYTES) throw full();
    this.#held.set(accountId, held);
    let isTaken = true;
    return () => {
      if (isTaken) this.#giveBack(accountId, bytes);
      isTaken = false;
    };
  }

  #giveBack(accountId: string, bytes: number): void {
    const left = (this.#held.get(accountId) ?? 0) - bytes;
    if (left > 0) this.#held.set(accountId, left);
    else this.#held.delete(accountId);
  }
}

const full = (): Problem =>
  new Problem(
    'RESOURCE_EXHAUSTED',
    `The live requests of this account that are under way have ${MOST_BYTES} bytes together already. Try again in a moment.`,
    { reason: 'LIVE_MEMORY_FULL', details: { retryAfterSeconds: COME_AGAIN_SECONDS } },
  );
