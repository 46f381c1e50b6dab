/** Events on their way from an engine to whoever reads them, at the pace of the slower of the two. */
import type { EngineSilence, StreamEnd } from './engine.ts';

export interface FlowHooks {
  /** The reader has caught up after the flow was full. */
  readonly onDrained: () => void;
  /** The reader left before the end. */
  readonly onLeft: () => void;
}

/** So much may wait for the reader before the engine has to. */
const FULL_BYTES = 256 * 1024;

export class EventFlow {
  readonly ended: Promise<StreamEnd>;
  readonly #hooks: FlowHooks;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #bytes = 0;
  #isFull = false;
  #isOver = false;
  #resolveEnded: (end: StreamEnd) => void;
  #wake: () => void = () => {};

  constructor(hooks: FlowHooks) {
    this.#hooks = hooks;
    const { promise, resolve } = Promise.withResolvers<StreamEnd>();
    this.ended = promise;
    this.#resolveEnded = resolve;
  }

  /** True from the moment when too much waits until the reader has caught up. */
  get isFull(): boolean {
    return this.#isFull;
  }

  push(event: Buffer): void {
    this.#waiting.push(event);
    this.#waitingBytes += event.length;
    this.#bytes += event.length;
    this.#isFull ||= this.#waitingBytes >= FULL_BYTES;
    this.#wake();
  }

  /** Nothing more comes; what waits can still be read. */
  end(silence?: EngineSilence): void {
    this.#isOver = true;
    this.#resolveEnded({ bytes: this.#bytes, silence });
    this.#wake();
  }

  async *read(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        const event = this.#waiting.shift();
        if (event !== undefined) {
          this.#take(event);
          yield event;
        } else if (this.#isOver) return;
        else await this.#more();
      }
    } finally {
      if (!this.#isOver) this.#hooks.onLeft();
    }
  }

  #take(event: Buffer): void {
    this.#waitingBytes -= event.length;
    if (!this.#isFull || this.#waitingBytes > 0) return;
    this.#isFull = false;
    if (!this.#isOver) this.#hooks.onDrained();
  }

  #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }
}
