/**
 * Rows of a run whose requests are the same, byte for byte: one of them is asked, and the others take its answer.
 *
 * In the order of their prefixes twins stand side by side, so that the latest answers are enough, whatever the number of rows; in the order of the input, or with
 * the shortest of prompts, one that comes late may be asked again. A failure is nobody's but its own row's: twins that waited for one that failed are asked themselves.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { offAbort, onAbort } from '../engines/on-abort.ts';
import { copyResult, type ResultRow, toShared } from '../jobs/result-row.ts';

/** So much of answers is kept, oldest use first out. */
const KEPT_BYTES = 32 * 1024 * 1024;
/** What an answer takes beside its bytes. */
const ENTRY_BYTES = 300;
/** Of rows that wait for a twin, by number and by bytes; they hold no places at engines, so only this bounds them. */
const MOST_WAITING = 1_000;
const MOST_WAITING_BYTES = 32 * 1024 * 1024;

/** A row that takes a twin's answer. */
export interface Twin {
  /** What names its request. */
  readonly request: string;
  /** Its key, a raw JSON string token. */
  readonly customId: Buffer;
  /** What it holds in memory while it waits. */
  readonly bytes: number;
}

export class Twins {
  readonly #room: () => Promise<void>;
  /** What twins share of an answer. */
  readonly #kept = new Map<string, Buffer>();
  readonly #asked = new Map<string, Promise<Buffer | undefined>>();
  #bytes = 0;
  #waiting = 0;
  #waitingBytes = 0;
  #turn: Promise<void> = Promise.resolve();
  #copied = 0;
  readonly #relieved: (() => void)[] = [];

  /** `room` resolves when there is room for one more finished row. */
  constructor(room: () => Promise<void>) {
    this.#room = room;
  }

  /** How many rows took another's answer since this was last asked. */
  takeCopied(): number {
    const copied = this.#copied;
    this.#copied = 0;
    return copied;
  }

  /** Resolves when few enough rows wait for their twins. */
  async room(): Promise<void> {
    while (this.#waiting >= MOST_WAITING || this.#waitingBytes >= MOST_WAITING_BYTES)
      await new Promise<void>((resolve) => this.#relieved.push(resolve));
  }

  /** The answer of a twin, under the row's own key; undefined when none of them has one, or the signal is aborted. */
  async copy(twin: Twin, signal: AbortSignal): Promise<ResultRow | undefined> {
    const shared = this.#keptOf(twin.request) ?? (await this.#wait(twin, signal));
    if (shared === undefined || signal.aborted) return undefined;
    this.#copied += 1;
    return copyResult(twin.customId, shared);
  }

  /** True when a twin is answered, or asked just now. */
  has(request: string): boolean {
    return this.#kept.has(request) || this.#asked.has(request);
  }

  /** Remembers what a row is asked, and its answer if that comes. */
  async ask({ request, customId }: Twin, result: Promise<ResultRow | undefined>): Promise<void> {
    const asked = result
      .then((row) => (row?.kind === 'success' ? toShared(row, customId.length) : undefined))
      .catch(() => undefined);
    this.#asked.set(request, asked);
    const shared = await asked;
    this.#asked.delete(request);
    if (shared !== undefined) this.#keep(request, shared);
  }

  #keptOf(request: string): Buffer | undefined {
    const shared = this.#kept.get(request);
    if (shared === undefined) return undefined;
    this.#kept.delete(request);
    this.#kept.set(request, shared);
    return shared;
  }

  #keep(request: string, shared: Buffer): void {
    this.#kept.set(request, shared);
    this.#bytes += shared.length + ENTRY_BYTES;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#bytes <= KEPT_BYTES) break;
      this.#kept.delete(oldest);
      this.#bytes -= length + ENTRY_BYTES;
    }
  }

  async #wait({ request, bytes }: Twin, signal: AbortSignal): Promise<Buffer | undefined> {
    if (signal.aborted) return undefined;
    const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
    const giveUp = (): void => resolve(undefined);
    onAbort(signal, giveUp);
    this.#waiting += 1;
    this.#waitingBytes += bytes;
    try {
      const shared = await Promise.race([this.#asked.get(request), aborted]);
      if (shared !== undefined) await this.#inTurn();
      return shared;
    } finally {
      this.#waiting -= 1;
      this.#waitingBytes -= bytes;
      offAbort(signal, giveUp);
      for (const relieve of this.#relieved.splice(0)) relieve();
    }
  }

  /** A thousand may have waited for one answer: each copies it when the one before has handed its copy on, and there is room. */
  #inTurn(): Promise<void> {
    this.#turn = this.#turn.then(() => nextTurn()).then(this.#room);
    return this.#turn;
  }
}
