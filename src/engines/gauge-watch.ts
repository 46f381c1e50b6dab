import type { Engine } from './engine.ts';
import type { Gauge } from './gauge.ts';

const LOOK_EVERY_MS = 2_000;

/** Looks at an engine's gauge every two seconds while requests of ours are in it. An engine that shows none is not asked again. */
export class GaugeWatch {
  readonly #engine: Engine;
  readonly #isBusy: () => boolean;
  readonly #tell: (gauge: Gauge) => void;
  #isLooking = false;
  #hasGauge: boolean;

  constructor(engine: Engine, { isBusy, tell }: { readonly isBusy: () => boolean; readonly tell: (gauge: Gauge) => void }) {
    this.#engine = engine;
    this.#isBusy = isBusy;
    this.#tell = tell;
    this.#hasGauge = engine.gauge !== undefined;
  }

  /** To be called when something enters the engine. */
  wake(): void {
    if (!this.#hasGauge || this.#isLooking) return;
    this.#isLooking = true;
    setTimeout(() => void this.#look(), LOOK_EVERY_MS).unref();
  }

  async #look(): Promise<void> {
    const gauge = await this.#engine.gauge?.();
    this.#isLooking = false;
    if (gauge === 'none') this.#hasGauge = false;
    else if (gauge !== undefined) this.#tell(gauge);
    if (this.#isBusy()) this.wake();
  }
}
