/**
 * Rows of a run whose requests are the same, byte for byte: one of them is asked, and the others take its answer.
 *
 * In the order of a plan twins stand side by side, so the latest answers are enough, whatever the number of rows. A failure is nobody's but its own row's:
 * twins that waited for one that failed are asked themselves.
 */
import { offAbort, onAbort } from '../engines/on-abort.ts';
import { copyResult, type ResultRow } from '../jobs/result-row.ts';

/** So much of answers is kept, oldest use first out. */
const KEPT_BYTES = 32 * 1024 * 1024;
/** What an answer takes beside its line. */
const ENTRY_BYTES = 300;
/** Of rows that wait for a twin; they hold no places at engines, so only this bounds them. */
const MOST_WAITING = 1_000;

/** A row's answer, to be copied under other keys. */
interface Answer {
  readonly result: ResultRow;
  /** Bytes of its own key. */
  readonly idBytes: number;
}

export class Twins {
  readonly #kept = new Map<string, Answer>();
  readonly #asked = new Map<string, Promise<Answer | undefined>>();
  #bytes = 0;
  #waiting = 0;
  #copied = 0;
  readonly #relieved: (() => void)[] = [];

  /** How many rows took another's answer since this was last asked. */
  takeCopied(): number {
    const copied = this.#copied;
    this.#copied = 0;
    return copied;
  }

  /** Resolves when few enough rows wait for their twins. */
  async room(): Promise<void> {
    while (this.#waiting >= MOST_WAITING) await new Promise<void>((resolve) => this.#relieved.push(resolve));
  }

  /** The answer of a twin, under this key; undefined when none of them has one, or the signal is aborted. */
  async copy(request: string, customId: Buffer, signal: AbortSignal): Promise<ResultRow | undefined> {
    const answer = this.#keptOf(request) ?? (await this.#wait(this.#asked.get(request), signal));
    if (answer === undefined || signal.aborted) return undefined;
    this.#copied += 1;
    return copyResult(answer.result, { from: answer.idBytes, to: customId });
  }

  /** True when a twin is answered, or asked just now. */
  has(request: string): boolean {
    return this.#kept.has(request) || this.#asked.has(request);
  }

  /** Remembers what a row is asked, and its answer if that comes. */
  async ask(request: string, { length }: Buffer, result: Promise<ResultRow | undefined>): Promise<void> {
    const asked = result.then(
      (row) => (row?.kind === 'success' ? { result: row, idBytes: length } : undefined),
      () => undefined,
    );
    this.#asked.set(request, asked);
    const answer = await asked;
    this.#asked.delete(request);
    if (answer !== undefined) this.#keep(request, answer);
  }

  #keptOf(request: string): Answer | undefined {
    const answer = this.#kept.get(request);
    if (answer === undefined) return undefined;
    this.#kept.delete(request);
    this.#kept.set(request, answer);
    return answer;
  }

  #keep(request: string, answer: Answer): void {
    this.#kept.set(request, answer);
    this.#bytes += sizeOf(answer);
    for (const [oldest, { result, idBytes }] of this.#kept) {
      if (this.#bytes <= KEPT_BYTES) break;
      this.#kept.delete(oldest);
      this.#bytes -= sizeOf({ result, idBytes });
    }
  }

  async #wait(asked: Promise<Answer | undefined> | undefined, signal: AbortSignal): Promise<Answer | undefined> {
    const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
    const giveUp = (): void => resolve(undefined);
    onAbort(signal, giveUp);
    this.#waiting += 1;
    try {
      return await Promise.race([asked, aborted]);
    } finally {
      this.#waiting -= 1;
      offAbort(signal, giveUp);
      for (const relieve of this.#relieved.splice(0)) relieve();
    }
  }
}

const sizeOf = ({ result }: Answer): number => result.line.length + ENTRY_BYTES;
