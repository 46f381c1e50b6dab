/** Other ways to decide how many requests are in flight, as their authors describe them, with their default constants. */
import type { Controller } from './backlog.ts';

const CEILING = 4_096;

/** Knows the engine: 1.1 times its slots. */
export const oracle = (slots: number): Controller => ({ limit: Math.ceil(1.1 * slots), completed() {}, refused() {} });

/** TCP's way: one more each round trip without a refusal, half at one, from 10. */
export class TcpAimd implements Controller {
  #limit = 10;
  #answers = 0;
  #quietFor = 0;

  get limit(): number {
    return Math.floor(this.#limit);
  }

  completed({ inFlight }: { readonly inFlight: number }): void {
    this.#quietFor = Math.max(0, this.#quietFor - 1);
    if (inFlight * 2 < this.#limit) return;
    this.#answers += 1;
    if (this.#answers < this.#limit) return;
    this.#answers = 0;
    this.#limit = Math.min(CEILING, this.#limit + 1);
  }

  /** The refusals of one round trip count once. */
  refused(accepted: number): void {
    // What is over the limit because it was halved meanwhile is no news.
    if (this.#quietFor === 0) this.#limit = Math.max(1, this.#limit / 2);
    else this.#limit = Math.max(1, Math.min(this.#limit, accepted));
    this.#quietFor = accepted;
    this.#answers = 0;
  }
}

/** Netflix's Gradient2: the long-time latency over the latest says how much room there is. */
export class Gradient2 implements Controller {
  #limit = 20;
  #longMs = 0;
  #samples = 0;

  get limit(): number {
    return Math.floor(this.#limit);
  }

  completed({ inFlight, latencyMs }: { readonly inFlight: number; readonly latencyMs: number }): void {
    this.#average(latencyMs);
    if (this.#longMs / latencyMs > 2) this.#longMs *= 0.95;
    if (inFlight < this.#limit / 2) return;
    const gradient = Math.max(0.5, Math.min(1, (1.5 * this.#longMs) / latencyMs));
    const wanted = this.#limit * gradient + 4;
    this.#limit = Math.max(20, Math.min(CEILING, 0.8 * this.#limit + 0.2 * wanted));
  }

  refused(accepted: number): void {
    this.#limit = Math.max(1, Math.min(this.#limit * 0.9, accepted));
  }

  #average(latencyMs: number): void {
    this.#samples += 1;
    if (this.#samples <= 10) this.#longMs += (latencyMs - this.#longMs) / this.#samples;
    else this.#longMs += (2 / 601) * (latencyMs - this.#longMs);
  }
}
