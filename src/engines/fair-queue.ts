/** Who waits for a place, by turns: one of each key, then one of each key again. */
export class FairQueue<T> {
  /** In the order of their turns: a map keeps the order of insertion. */
  readonly #queues = new Map<string, Line<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get isEmpty(): boolean {
    return this.#queues.size === 0;
  }

  push(key: string, entry: T): void {
    const line = this.#queues.get(key);
    if (line === undefined) this.#queues.set(key, { entries: [entry], first: 0 });
    else line.entries.push(entry);
    this.#size += 1;
  }

  /** Takes the longest waiting entry of the key whose turn it is. */
  shift(): T | undefined {
    const [turn] = this.#queues;
    if (turn === undefined) return undefined;
    const [key, line] = turn;
    const entry = line.entries[line.first];
    line.first += 1;
    this.#size -= 1;
    const isOver = line.first === line.entries.length;
    if (isOver || this.#queues.size > 1) this.#queues.delete(key);
    if (!isOver) this.#queues.set(key, line);
    if (line.first > FORGET_AFTER) forget(line);
    return entry;
  }

  /**
   * Makes room for one more entry of a key: takes the newest of the key that has the most. Undefined where that key would then have fewer than the one
   * that wants in.
   */
  makeRoomFor(key: string): T | undefined {
    const [longest] = [...this.#queues].toSorted(([, a], [, b]) => lengthOf(b) - lengthOf(a));
    if (longest === undefined || lengthOf(longest[1]) <= lengthOf(this.#queues.get(key)) + 1) return undefined;
    const newest = longest[1].entries.at(-1);
    if (newest !== undefined) this.remove(longest[0], newest);
    return newest;
  }

  remove(key: string, entry: T): void {
    const line = this.#queues.get(key);
    const at = line?.entries.indexOf(entry, line.first) ?? -1;
    if (line === undefined || at === -1) return;
    line.entries.splice(at, 1);
    this.#size -= 1;
    if (line.first === line.entries.length) this.#queues.delete(key);
  }
}

/** What has been served stays in front for a while: moving all others forward each time would cost more. */
interface Line<T> {
  readonly entries: T[];
  first: number;
}

const lengthOf = (line: Line<unknown> | undefined): number => (line === undefined ? 0 : line.entries.length - line.first);

const FORGET_AFTER = 1_000;

function forget(line: Line<unknown>): void {
  line.entries.splice(0, line.first);
  line.first = 0;
}
