/**
 * How many requests each engine was found to use, in a file of this process's own folder: after a restart the search goes on where it was, where it would
 * begin with a few. A file that is lost or broken costs a search, so it is neither synced nor complained of.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, systemClock } from '../base/clock.ts';
import type { PoolStatus } from '../engines/pool.ts';

const FOUND = z.array(
  z.object({ engine: z.string(), model: z.string(), limit: z.number().int().positive(), at: z.iso.datetime() }),
);

interface Found extends Pick<PoolStatus, 'engine' | 'model' | 'limit'> {
  readonly atMs: number;
}

/** What an engine could use so long ago says little of what it can use now. */
const GOOD_FOR_MS = 3_600_000;
/** A limit that differs by less, from one said so lately, is not worth a write. */
const SAME = { share: 0.1, forMs: 60_000 };
/** A search may double in this time. */
const LOOK_MS = 200;
/** So soon an engine takes what it took: a process that was killed goes on with all that it had in flight. */
const FRESH_MS = 120_000;
/** Later the engine may have others to serve: the search doubles from below. */
const CAUTION = 0.7;

export class FoundLimits {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #found = new Map<string, Found>();

  private constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** Reads what there is in the folder; nothing is refused. */
  static async open(dir: string, clock: Clock = systemClock): Promise<FoundLimits> {
    const path = join(dir, 'found-limits.json');
    const limits = new FoundLimits(path, clock);
    const said = FOUND.safeParse(await readJson(path));
    for (const { at, ...found } of said.data ?? []) limits.#found.set(toKey(found), { ...found, atMs: Date.parse(at) });
    limits.#forgetOld();
    return limits;
  }

  /** Where a search for an engine's limit begins; undefined where nothing is known of it. */
  startOf(engine: string, model: string): number | undefined {
    const found = this.#found.get(toKey({ engine, model }));
    if (found === undefined) return undefined;
    const isFresh = this.#clock.now().getTime() - found.atMs <= FRESH_MS;
    return isFresh ? found.limit : Math.max(1, Math.round(CAUTION * found.limit));
  }

  /** Keeps them from now on, so that little of a search is lost with a process that is killed. Answers how to end that. */
  watch(look: () => readonly PoolStatus[]): () => void {
    let isKeeping = false;
    const clock = setInterval(async () => {
      if (isKeeping) return;
      isKeeping = true;
      await this.keep(look());
      isKeeping = false;
    }, LOOK_MS).unref();
    return () => clearInterval(clock);
  }

  /** Keeps the limits of the engines that are in use and well. */
  async keep(statuses: readonly PoolStatus[]): Promise<void> {
    const atMs = this.#clock.now().getTime();
    const news = statuses.filter((status) => status.inUse && status.state === 'ready' && this.#isNews(status, atMs));
    if (news.length === 0) return;
    for (const { engine, model, limit } of news) this.#found.set(toKey({ engine, model }), { engine, model, limit, atMs });
    this.#forgetOld();
    await this.#write().catch(() => undefined);
  }

  #isNews(status: PoolStatus, nowMs: number): boolean {
    const found = this.#found.get(toKey(status));
    if (found === undefined || nowMs - found.atMs > SAME.forMs) return true;
    return Math.abs(status.limit - found.limit) > SAME.share * found.limit;
  }

  #forgetOld(): void {
    const sinceMs = this.#clock.now().getTime() - GOOD_FOR_MS;
    for (const [key, { atMs }] of this.#found) if (atMs < sinceMs) this.#found.delete(key);
  }

  /** Whole or not at all. */
  async #write(): Promise<void> {
    const lines = Array.from(this.#found.values(), ({ atMs, ...found }) => ({ ...found, at: new Date(atMs).toISOString() }));
    await writeFile(`${this.#path}.new`, JSON.stringify(lines), { mode: 0o600 });
    await rename(`${this.#path}.new`, this.#path);
  }
}

const toKey = ({ engine, model }: Pick<Found, 'engine' | 'model'>): string => JSON.stringify([engine, model]);

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}
