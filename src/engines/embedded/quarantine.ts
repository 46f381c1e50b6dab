/**
 * Finds the request that kills its engine. Whatever was inside when it died is asked again, one request at a time with nobody beside it, while all others
 * wait: the innocent get their answers, and the guilty one is known.
 */
export class Quarantine {
  /** The end of the line of suspects. */
  #suspects: Promise<unknown> = Promise.resolve();

  /** Runs it beside others, as soon as no suspect is left. */
  async together<T>(run: () => Promise<T>): Promise<T> {
    for (let seen: unknown; seen !== this.#suspects; ) {
      seen = this.#suspects;
      await seen;
    }
    return run();
  }

  /** Runs it with nobody beside it. To be called by those who were inside when the engine died: none of the others is inside then. */
  alone<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#suspects.then(run);
    this.#suspects = turn.catch(() => undefined);
    return turn;
  }
}
