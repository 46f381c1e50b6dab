/** The least first. */
export class Heap<T extends { readonly at: number }> {
  readonly #entries: T[] = [];

  get size(): number {
    return this.#entries.length;
  }

  get least(): T | undefined {
    return this.#entries[0];
  }

  push(entry: T): void {
    const entries = this.#entries;
    entries.push(entry);
    for (let at = entries.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (this.#key(parent) <= this.#key(at)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): T | undefined {
    const [first] = this.#entries;
    const last = this.#entries.pop();
    if (last === undefined || this.#entries.length === 0) return first;
    this.#entries[0] = last;
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const least = this.#key(right) < this.#key(left) ? right : left;
      if (this.#key(least) >= this.#key(at)) break;
      this.#swap(at, least);
      at = least;
    }
    return first;
  }

  #key(at: number): number {
    return this.#entries[at]?.at ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const entries = this.#entries;
    [entries[a], entries[b]] = [entries[b] as T, entries[a] as T]; // both places exist
  }
}
