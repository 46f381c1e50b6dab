/**
 * Which row goes to which engine next: every engine works off a stretch of the plan of its own, so that neighbours, who share a prefix, meet in one cache. An engine
 * that has none takes the next that nobody has; where none is left it takes the second half of the longest rest of another's. So no engine waits while rows are
 * left, and those of one that is slow or gone go to the others.
 */

/** Longer ones part fewer neighbours, shorter ones keep closer to the plan's order. */
const STRETCH_ROWS = 256;

/** Rows in the order of their plan. */
interface Stretch<Row> {
  /** What was added together. */
  readonly of: readonly Row[];
  /** The place in `of` of the row that is next. */
  next: number;
  end: number;
}

export class Stretches<Engine, Row> {
  /** Those that no engine has, in the order of the plan. */
  #free: Stretch<Row>[] = [];
  readonly #taken = new Map<Engine, Stretch<Row>>();

  get isEmpty(): boolean {
    return this.#free.length === 0 && this.#taken.size === 0;
  }

  /** More rows, after all others. */
  add(rows: readonly Row[]): void {
    for (let next = 0; next < rows.length; next += STRETCH_ROWS)
      this.#free.push({ of: rows, next, end: Math.min(rows.length, next + STRETCH_ROWS) });
  }

  /** The row that this engine is to have; undefined when none is left. */
  take(engine: Engine): Row | undefined {
    const stretch = this.#taken.get(engine) ?? this.#free.shift() ?? this.#shareOfAnother();
    if (stretch === undefined) return undefined;
    const row = stretch.of[stretch.next];
    stretch.next += 1;
    if (stretch.next < stretch.end) this.#taken.set(engine, stretch);
    else this.#taken.delete(engine);
    return row;
  }

  /** Forgets what is left of rows that were added together. */
  drop(rows: readonly Row[]): void {
    this.#free = this.#free.filter(({ of }) => of !== rows);
    for (const [engine, { of }] of this.#taken) if (of === rows) this.#taken.delete(engine);
  }

  #shareOfAnother(): Stretch<Row> | undefined {
    let longest: [Engine, Stretch<Row>] | undefined;
    for (const taken of this.#taken) if (longest === undefined || restOf(taken[1]) > restOf(longest[1])) longest = taken;
    if (longest === undefined) return undefined;
    const [owner, stretch] = longest;
    const share: Stretch<Row> = { of: stretch.of, next: stretch.end - Math.ceil(restOf(stretch) / 2), end: stretch.end };
    stretch.end = share.next;
    if (restOf(stretch) === 0) this.#taken.delete(owner);
    return share;
  }
}

const restOf = ({ next, end }: Stretch<unknown>): number => end - next;
