/**
 * Where the usage of a streamed answer stands. Fireworks' clients find it in the last chunk with content, asked for or not; OpenAI's clients,
 * who ask for it, in a chunk of its own after that. Both at once would count double for whoever adds up, so the wish decides.
 */
import { dataOf } from '../engines/event-splitter.ts';

/** `in-last-chunk`: with the reason why the answer ended. `in-own-chunk`: without choices, after all others. */
export type UsagePlace = 'in-last-chunk' | 'in-own-chunk';

interface Chunk {
  readonly choices?: readonly unknown[];
  readonly usage?: unknown;
  readonly [field: string]: unknown;
}

/** A chunk that says why a choice ended, or what was used. Inside a text these quotes would have backslashes. */
const NOTABLE = /"finish_reason"\s*:\s*"|"usage"\s*:\s*\{/;

/** Passes events on as they are, but for those that hold an ending or the usage: these wait until it is known which is the last. */
export async function* placeUsage(events: AsyncIterable<Buffer>, place: UsagePlace): AsyncGenerator<Buffer, void, undefined> {
  const ending = new Ending(place);
  for await (const event of events) {
    const chunk = readNotable(event);
    if (chunk === undefined) {
      yield* ending.write(isDone(event));
      yield event;
    } else if (ending.take(chunk)) yield* ending.write(false, chunk);
  }
  yield* ending.write(true);
}

/** What is held back of a stream's end. */
class Ending {
  readonly #place: UsagePlace;
  #held: Chunk | undefined;
  #usage: unknown;
  #head: Chunk = {};

  constructor(place: UsagePlace) {
    this.#place = place;
  }

  /** Remembers the usage; true when the chunk says something besides. */
  take({ choices = [], usage, ...head }: Chunk): boolean {
    this.#usage = usage ?? this.#usage;
    this.#head = head;
    return choices.length > 0;
  }

  /** Lets go of what is held, with the usage if nothing follows, and holds `next` instead. */
  *write(isLast: boolean, next?: Chunk): Generator<Buffer> {
    const [held, usage] = [this.#held, isLast ? this.#usage : undefined];
    this.#held = next && withoutUsage(next);
    if (isLast) this.#usage = undefined;
    const ridesAlong = usage !== undefined && held !== undefined && this.#place === 'in-last-chunk';
    if (held !== undefined) yield toEvent(ridesAlong ? { ...held, usage } : held);
    if (usage !== undefined && !ridesAlong) yield toEvent({ ...this.#head, choices: [], usage });
  }
}

const withoutUsage = ({ usage: _, ...chunk }: Chunk): Chunk => chunk;

const toEvent = (chunk: Chunk): Buffer => Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);

const isDone = (event: Buffer): boolean => dataOf(event)?.trim() === '[DONE]';

function readNotable(event: Buffer): Chunk | undefined {
  if (!NOTABLE.test(event.toString('latin1'))) return undefined;
  try {
    const chunk: unknown = JSON.parse(dataOf(event) ?? '');
    // Of whatever else it may be, no field says anything.
    return typeof chunk === 'object' && chunk !== null ? (chunk as Chunk) : undefined;
  } catch {
    return undefined;
  }
}
