/**
 * Finds how many requests in flight an engine can use from its own gauge: what waits in it is too much, and what it takes up at once may be more.
 * The gauge counts everybody's requests. Who shares an engine takes back the same share and adds a like amount, so all come to have the same.
 */

/** One look at an engine. */
export interface GaugeReading {
  readonly nowMs: number;
  /** Requests that the engine works on, whoever sent them. */
  readonly running: number;
  /** Requests that it has taken and not begun. */
  readonly waiting: number;
  /** Our own in flight. */
  readonly inFlight: number;
}

/** So much waiting, as a share of what runs, costs nothing and keeps every slot busy. */
const ENOUGH = 0.12;
const SPARE = { share: 0.08, more: 2 };
/** A share of the places in use below which more of them would tell nothing. */
const USED = 0.9;
/** How fast a limit grows that was once too high: by so many times its root. */
const ROOTS = 2;

export class GaugeFollower {
  readonly #max: number;
  #target: number;
  /** Something has waited in the engine: it is known to be finite. */
  #wasFull = false;

  constructor({ start, max }: { readonly start: number; readonly max: number }) {
    this.#max = max;
    this.#target = Math.min(start, max);
  }

  get target(): number {
    return this.#target;
  }

  /** Begins from a limit that is known to be near. */
  begin(limit: number): void {
    this.#moveTo(limit);
  }

  observed({ running, waiting, inFlight }: GaugeReading): void {
    if (waiting > ENOUGH * running + SPARE.more)
      this.#takeBack((SPARE.share * running + SPARE.more + running) / (running + waiting));
    else if (waiting <= SPARE.share * running && inFlight >= USED * this.#target) this.#add();
  }

  #takeBack(share: number): void {
    this.#wasFull = true;
    this.#moveTo(share * this.#target);
  }

  #add(): void {
    const limit = this.#target;
    this.#moveTo(this.#wasFull ? limit + Math.max(1, ROOTS * Math.sqrt(limit)) : 2 * limit);
  }

  #moveTo(limit: number): void {
    this.#target = Math.max(1, Math.min(this.#max, Math.round(limit)));
  }
}
