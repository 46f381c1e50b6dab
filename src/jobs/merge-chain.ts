/** Joins the outputs of a job and of the jobs that continued it: for every input row, the best that any of them has. */
import { Problem } from '../base/problem.ts';
import { lineId } from '../jsonl/line-id.ts';

/** What one job of the chain wrote: lines with a `custom_id`, both streams in input order. */
export interface ChainOutput {
  readonly successes: AsyncIterable<Buffer>;
  readonly failures: AsyncIterable<Buffer>;
}

/** What the chain has for one input row. */
export type ChainRow =
  | { readonly customId: Buffer; readonly kind: 'success' | 'failure'; readonly line: Buffer }
  /** No job of the chain has got to it. */
  | { readonly customId: Buffer; readonly kind: 'none' };

/**
 * Zips the ids of the input (raw JSON string tokens, in order) with the outputs, oldest job first: yields one row per id, with the latest success,
 * else the latest failure. Holds one line per stream. An output line whose id the input doesn't have, or has elsewhere, is a `Problem`;
 * one without an id, of an input row that has none, belongs to no row and is left out.
 */
export async function* mergeChain(customIds: AsyncIterable<Buffer>, outputs: readonly ChainOutput[]): AsyncGenerator<ChainRow> {
  // Best first, so that the first stream that has the row wins.
  const latestFirst = outputs.toReversed();
  const successes = latestFirst.map((output) => new LineHead(output.successes));
  const failures = latestFirst.map((output) => new LineHead(output.failures));
  const all = [...successes, ...failures];
  try {
    for await (const customId of customIds) {
      const success = await takeFirst(successes, customId);
      const failure = await takeFirst(failures, customId);
      if (success !== undefined) yield { customId, kind: 'success', line: success };
      else if (failure !== undefined) yield { customId, kind: 'failure', line: failure };
      else yield { customId, kind: 'none' };
    }
    for (const head of all) await head.expectEnd();
  } finally {
    await Promise.all(all.map((head) => head.close()));
  }
}

/** Moves every stream that stands at the row on; answers the line of the first of them. */
async function takeFirst(heads: readonly LineHead[], customId: Buffer): Promise<Buffer | undefined> {
  let first: Buffer | undefined;
  for (const head of heads) {
    const line = await head.take(customId);
    first ??= line;
  }
  return first;
}

/** The first line of a stream that has not been used yet. */
class LineHead {
  readonly #lines: AsyncIterator<Buffer>;
  #line: Buffer | undefined;
  #id: Buffer | undefined;
  #begun = false;

  constructor(lines: AsyncIterable<Buffer>) {
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** The line, when it is this row's. */
  async take(customId: Buffer): Promise<Buffer | undefined> {
    if (!this.#begun) await this.#advance();
    if (this.#id === undefined || !this.#id.equals(customId)) return undefined;
    const line = this.#line;
    await this.#advance();
    return line;
  }

  async expectEnd(): Promise<void> {
    if (!this.#begun) await this.#advance();
    if (this.#line === undefined) return;
    throw new Problem(
      'FAILED_PRECONDITION',
      `An output has a row that the input doesn't have at that place: custom_id ${this.#id ?? 'missing'}. Merge outputs with the input they were made from.`,
      { reason: 'OUTPUT_OF_OTHER_INPUT' },
    );
  }

  async close(): Promise<void> {
    await this.#lines.return?.();
  }

  async #advance(): Promise<void> {
    this.#begun = true;
    do {
      const next = await this.#lines.next();
      this.#line = next.done === true ? undefined : next.value;
      this.#id = this.#line === undefined ? undefined : lineId(this.#line);
    } while (this.#line !== undefined && this.#id === undefined);
  }
}
