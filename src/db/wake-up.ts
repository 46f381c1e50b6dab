/** Lets somebody wait for work without asking the database again and again. */
import { addAbortListener } from 'node:events';
import type { TaskKind } from './store.ts';

export class WakeUp {
  /** Kinds that may have tasks: some came in, or the last take did not get to the end. */
  readonly #maybe: Set<TaskKind>;
  readonly #sleepers = new Set<() => void>();

  constructor(kinds: readonly TaskKind[]) {
    this.#maybe = new Set(kinds);
  }

  /** Something came in. */
  ring(kind: TaskKind): void {
    this.#maybe.add(kind);
    for (const wake of this.#sleepers) wake();
  }

  /** To be called before asking for tasks: what comes in from here on counts as new. */
  beginTake(kind: TaskKind): void {
    this.#maybe.delete(kind);
  }

  /** Resolves as soon as one of these kinds may have tasks, at the latest after `maxMs` or on abort. */
  async wait(kinds: readonly TaskKind[], maxMs: number, signal: AbortSignal): Promise<void> {
    const hasWork = (): boolean => kinds.some((kind) => this.#maybe.has(kind));
    if (signal.aborted || hasWork()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => {
      if (hasWork()) resolve();
    };
    const timer = setTimeout(resolve, maxMs);
    using _listener = addAbortListener(signal, () => resolve());
    this.#sleepers.add(wake);
    await promise;
    this.#sleepers.delete(wake);
    clearTimeout(timer);
  }
}
