/**
 * Engines with prefix caches that work off rows in a given order, in virtual time. An engine has so many requests in flight, evaluates prompts one after the other
 * at a fixed rate, cached tokens for nothing, and then takes a time for each answer that does not depend on the others.
 */
import { Heap } from './heap.ts';
import { BLOCK_TOKENS, type Blocks, PrefixCache } from './prefix-cache.ts';
import { lognormal, makeRandom } from './random.ts';

export interface PrefixRun {
  /** The prompt of the row that an engine with a free place gets next; undefined when none is left. */
  readonly next: (engine: number) => Blocks | undefined;
  readonly engines: number;
  readonly inFlight: number;
  readonly cacheTokens: number;
}

export interface PrefixResult {
  /** Tokens of prompts that no engine had to evaluate, as a share of all. */
  readonly cachedShare: number;
  readonly seconds: number;
}

const PREFILL_TOKENS_PER_SECOND = 25_000;
const ANSWER_SECONDS = 1;

interface Ending {
  readonly at: number;
  readonly engine: number;
  readonly blocks: Blocks;
}

interface Engine {
  readonly cache: PrefixCache;
  running: number;
  prefillUntil: number;
  /** Of the row at its door, which waits for memory. */
  isFull: boolean;
  /** The row at its door. */
  first: Blocks | undefined;
}

/** Runs all rows. */
export function runPrefixes({ next, engines: count, inFlight, cacheTokens }: PrefixRun): PrefixResult {
  const random = makeRandom(1);
  const answerSeconds = lognormal(ANSWER_SECONDS);
  const engines = Array.from(
    { length: count },
    (): Engine => ({ cache: new PrefixCache(cacheTokens), running: 0, prefillUntil: 0, isFull: false, first: undefined }),
  );
  const endings = new Heap<Ending>();
  let [now, cached, all] = [0, 0, 0];
  let isAnyLeft = true;

  const begin = (): boolean => {
    const at = freest(engines, (engine) => engine.running < inFlight && (isAnyLeft || engine.first !== undefined));
    const engine = at === undefined ? undefined : engines[at];
    if (at === undefined || engine === undefined) return false;
    const blocks = engine.first ?? next(at);
    if (blocks === undefined) {
      isAnyLeft = false;
      return true;
    }
    engine.first = blocks;
    const hits = engine.cache.admit(blocks);
    if (hits === undefined) {
      engine.isFull = true;
      return true;
    }
    engine.first = undefined;
    cached += hits;
    all += blocks.length;
    engine.running += 1;
    const prefill = ((blocks.length - hits) * BLOCK_TOKENS) / PREFILL_TOKENS_PER_SECOND;
    engine.prefillUntil = Math.max(now, engine.prefillUntil) + prefill;
    endings.push({ at: engine.prefillUntil + answerSeconds(random), engine: at, blocks });
    return true;
  };

  for (;;) {
    while (begin());
    const ending = endings.pop();
    if (ending === undefined) return { cachedShare: cached / all, seconds: now };
    now = ending.at;
    const engine = engines[ending.engine];
    engine?.cache.release(ending.blocks);
    if (engine === undefined) continue;
    engine.running -= 1;
    engine.isFull = false;
  }
}

/** The engine with the most free places, of those that can be given something. */
function freest(engines: readonly Engine[], isOpen: (engine: Engine) => boolean): number | undefined {
  const open = engines.flatMap((engine, at) => (!engine.isFull && isOpen(engine) ? [{ at, running: engine.running }] : []));
  return open.toSorted((a, b) => a.running - b.running)[0]?.at;
}
