/** What the bodies of live requests hold in memory: pictures make them large, and they wait for a place at an engine. */
import { Problem } from '../../base/problem.ts';

const COME_AGAIN_SECONDS = 1;

/** What one request holds. */
export interface HeldBytes {
  /** Takes more; throws `LIVE_MEMORY_FULL` when that is too much, or comes after the end. */
  readonly add: (bytes: number) => void;
  /** Gives all back. A second call does nothing. */
  readonly end: () => void;
}

export class LiveMemory {
  readonly #held = new Map<string, number>();

  /** Begins with nothing; the account may hold so much at once. */
  hold(accountId: string, mostBytes: number): HeldBytes {
    let held = 0;
    let isOver = false;
    return {
      add: (bytes) => {
        const all = (this.#held.get(accountId) ?? 0) + bytes;
        if (isOver || all > mostBytes) throw full(mostBytes);
        held += bytes;
        this.#held.set(accountId, all);
      },
      end: () => {
        isOver = true;
        const left = (this.#held.get(accountId) ?? 0) - held;
        held = 0;
        if (left > 0) this.#held.set(accountId, left);
        else this.#held.delete(accountId);
      },
    };
  }
}

const full = (mostBytes: number): Problem =>
  new Problem(
    'RESOURCE_EXHAUSTED',
    `The live requests of this account that are under way have ${mostBytes} bytes together already. Try again in a moment.`,
    { reason: 'LIVE_MEMORY_FULL', details: { retryAfterSeconds: COME_AGAIN_SECONDS } },
  );
