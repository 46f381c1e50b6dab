/** What an engine's log knows of each key. */
import type { Call } from './call-log.ts';
import type { Several } from './read-lines.ts';

/** What an engine did for one key. */
export interface Told {
  readonly calls: number;
  /** Good answers that were handed over whole. */
  readonly answers: number;
  /** Calls that came to an end after the first of those. */
  readonly again: number;
  readonly tokens: number;
  /** Of all that was said, lies too. */
  readonly digests: readonly string[];
}

const NOTHING: Told = { calls: 0, answers: 0, again: 0, tokens: 0, digests: [] };

/** The log, by key. */
export class Witness {
  readonly #told = new Map<string, Told>();
  /** Made when something is suspicious for the first time. */
  #keys: Map<string, string> | undefined;

  static async hear(calls: Several<Call>): Promise<Witness> {
    const witness = new Witness();
    for await (const call of calls) witness.#note(call);
    return witness;
  }

  of(key: string): Told {
    return this.#told.get(key) ?? NOTHING;
  }

  /** Whom the engine told this, if anybody. */
  keyOf(digest: string): string | undefined {
    this.#keys ??= new Map([...this.#told].flatMap(([key, { digests }]) => digests.map((one) => [one, key] as const)));
    return this.#keys.get(digest);
  }

  #note({ key, complete, fault, digest, promptTokens, completionTokens }: Call): void {
    const told = this.of(key);
    this.#told.set(key, {
      calls: told.calls + 1,
      answers: told.answers + (complete && fault === undefined ? 1 : 0),
      again: told.again + (told.answers > 0 ? 1 : 0),
      tokens: told.tokens + promptTokens + completionTokens,
      digests: digest === undefined || told.digests.includes(digest) ? told.digests : [...told.digests, digest],
    });
  }
}
