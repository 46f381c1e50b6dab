/** Who waits for a place, by turns: one of each key, then one of each key again. */
export class FairQueue<T> {
  readonly #queues = new Map<string, Set<T>>();

  get isEmpty(): boolean {
    return this.#queues.size === 0;
  }

  push(key: string, entry: T): void {
    const queue = this.#queues.get(key);
    if (queue === undefined) this.#queues.set(key, new Set([entry]));
    else queue.add(entry);
  }

  /** Takes the longest waiting entry of the key whose turn it is. */
  shift(): T | undefined {
    const [turn] = this.#queues;
    if (turn === undefined) return undefined;
    const [key, queue] = turn;
    const [entry] = queue;
    // A map keeps the order of insertion: whoever had its turn goes to the end.
    this.#queues.delete(key);
    if (entry !== undefined) queue.delete(entry);
    if (queue.size > 0) this.#queues.set(key, queue);
    return entry;
  }

  remove(key: string, entry: T): void {
    const queue = this.#queues.get(key);
    queue?.delete(entry);
    if (queue?.size === 0) this.#queues.delete(key);
  }
}
