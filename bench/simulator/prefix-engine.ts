/**
 * Engines with prefix caches that work off rows in a given order, in virtual time. An engine has so many requests in flight, evaluates prompts one after the other
 * at a fixed rate, cached tokens for nothing, and then takes a time for each answer that does not depend on the others.
 */
import { Heap } from './heap.ts';
import { BLOCK_TOKENS, type Blocks, PrefixCache } from './prefix-cache.ts';
import { lognormal, makeRandom } from './random.ts';

export interface PrefixRun {
  /** One prompt a row, in the order in which rows are dispatched. */
  readonly prompts: readonly Blocks[];
  readonly engines: number;
  readonly inFlight: number;
  readonly cacheTokens: number;
  /** Chooses among the engines with free places, by row and place in the order; default the one with the most. */
  readonly prefer?: (position: number) => number;
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
}

/** Runs all rows. */
export function runPrefixes({ prompts, engines: count, inFlight, cacheTokens, prefer }: PrefixRun): PrefixResult {
  const random = makeRandom(1);
  const answerSeconds = lognormal(ANSWER_SECONDS);
  const engines = Array.from(
    { length: count },
    (): Engine => ({ cache: new PrefixCache(cacheTokens), running: 0, prefillUntil: 0, isFull: false }),
  );
  const endings = new Heap<Ending>();
  let [now, cached, all, next] = [0, 0, 0, 0];

  const begin = (): boolean => {
    const blocks = prompts[next];
    const at = blocks && choose(engines, inFlight, prefer?.(next));
    const engine = at === undefined ? undefined : engines[at];
    if (blocks === undefined || at === undefined || engine === undefined) return false;
    const hits = engine.cache.admit(blocks);
    if (hits === undefined) {
      engine.isFull = true;
      return true;
    }
    next += 1;
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

/** The preferred engine while it has room, else the one with the most. */
function choose(engines: readonly Engine[], inFlight: number, preferred: number | undefined): number | undefined {
  const hasRoom = (engine: Engine | undefined): boolean => engine !== undefined && !engine.isFull && engine.running < inFlight;
  if (preferred !== undefined) return hasRoom(engines[preferred]) ? preferred : undefined;
  const open = engines.flatMap((engine, at) => (hasRoom(engine) ? [{ at, running: engine.running }] : []));
  return open.toSorted((a, b) => a.running - b.running)[0]?.at;
}
