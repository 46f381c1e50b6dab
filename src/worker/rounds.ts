/** Does something every second, never twice at once. */
import type { Log } from '../base/log.ts';

const EVERY_MS = 1_000;

export class Rounds {
  readonly #round: () => Promise<void>;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<void> | undefined;

  constructor(round: () => Promise<void>, log: Log) {
    this.#round = round;
    this.#log = log;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#underWay ??= this.#round()
        .catch((cause: unknown) => this.#log.warn({ cause }, 'upkeep failed, trying again'))
        .finally(() => {
          this.#underWay = undefined;
        });
    }, EVERY_MS);
  }

  /** Resolves when the round that is under way has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#underWay;
  }
}
