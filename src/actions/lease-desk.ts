/**
 * Leases for many workers through one process: what they ask at the same time is asked of the database once. The more of them there are, the more share a
 * statement, so what the database sees grows with the processes in between and not with the workers.
 */
import { together } from '../db/together.ts';
import type { Leases, Patience, ShardLease, ShardsOf } from '../jobs/leases.ts';

/** Waits for no longer than `stop`. */
export function makeLeaseDesk(leases: Leases, stop: AbortSignal): Leases {
  const takersOf = new Map<string, Takers>();
  const areLost = together<ShardLease, boolean>(async (held) => {
    const lost = new Set(await leases.keep(held));
    return held.map((lease) => lost.has(lease));
  });
  return {
    async take(max, patience, without = []) {
      if (patience === undefined) return leases.take(max, undefined, without);
      // Those who want the same ask together; most do, as they have the same to do.
      const key = JSON.stringify(without);
      const takers = takersOf.get(key) ?? new Takers(leases, { stop, without });
      takersOf.set(key, takers);
      const taken = await takers.take(max, patience);
      if (!takers.isBusy) takersOf.delete(key);
      return taken;
    },
    async keep(held) {
      const lost = await areLost(held);
      return held.filter((_, place) => lost[place]);
    },
    commit: together((claims) => leases.commit(claims)),
    settle: (lease) => leases.settle(lease),
    giveBack: (lease, options) => leases.giveBack(lease, options),
  };
}

interface Taker {
  readonly max: number;
  readonly signal: AbortSignal;
  readonly untilMs: number;
  readonly taken: ShardLease[];
  readonly resolve: (leases: readonly ShardLease[]) => void;
  readonly reject: (cause: unknown) => void;
}

const MOST_AT_ONCE = 1_000;
/** One who comes while others wait for work waits for so long at most until it counts. */
const ROUND_MS = 1_000;

/** Those who wait for work. Each round takes what all of them want, and deals it to them one by one. */
class Takers {
  readonly #leases: Leases;
  readonly #stop: AbortSignal;
  readonly #without: readonly ShardsOf[];
  #waiting: readonly Taker[] = [];
  #isBusy = false;

  constructor(leases: Leases, { stop, without }: { readonly stop: AbortSignal; readonly without: readonly ShardsOf[] }) {
    this.#leases = leases;
    this.#stop = stop;
    this.#without = without;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  take(max: number, { maxMs, signal }: Patience): Promise<readonly ShardLease[]> {
    return new Promise((resolve, reject) => {
      const taker = { max, signal, untilMs: performance.now() + maxMs, taken: [], resolve, reject };
      this.#waiting = [...this.#waiting, taker];
      if (!this.#isBusy) void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      try {
        await this.#deal(await this.#takeForAll());
      } catch (cause) {
        for (const { reject } of this.#waiting) reject(cause);
        this.#waiting = [];
      }
    }
    this.#isBusy = false;
  }

  #takeForAll(): Promise<readonly ShardLease[]> {
    const wanted = this.#waiting.reduce((sum, { max }) => sum + max, 0);
    const leftMs = Math.min(...this.#waiting.map(({ untilMs }) => untilMs)) - performance.now();
    const maxMs = Math.max(0, Math.min(leftMs, ROUND_MS));
    return this.#leases.take(Math.min(wanted, MOST_AT_ONCE), { maxMs, signal: this.#stop }, this.#without);
  }

  /** What nobody is there for any more goes back. */
  async #deal(leases: readonly ShardLease[]): Promise<void> {
    const present = this.#waiting.filter(({ signal }) => !signal.aborted);
    const unwanted = leases.filter((lease) => {
      const open = present.filter(({ taken, max }) => taken.length < max);
      const [next] = open.toSorted((one, other) => one.taken.length - other.taken.length);
      next?.taken.push(lease);
      return next === undefined;
    });
    const nowMs = performance.now();
    const isServed = ({ taken, signal, untilMs }: Taker): boolean =>
      taken.length > 0 || signal.aborted || this.#stop.aborted || nowMs >= untilMs;
    for (const taker of this.#waiting) if (isServed(taker)) taker.resolve(taker.taken);
    this.#waiting = this.#waiting.filter((taker) => !isServed(taker));
    await Promise.all(unwanted.map((lease) => this.#leases.giveBack(lease)));
  }
}
