/** The engines for many workers through one process: each of them looks every two seconds, and the database is asked no more than once a second. */
import type { EngineBoard } from '../db/engine-board.ts';

const FRESH_MS = 1_000;

/** The same board; a look is shared by all who look at the same time. */
export function makeEngineDesk(board: EngineBoard): EngineBoard {
  const last = { atMs: Number.NEGATIVE_INFINITY, engines: Promise.resolve<Awaited<ReturnType<EngineBoard['list']>>>([]) };
  return {
    ...board,
    list() {
      const nowMs = performance.now();
      if (nowMs - last.atMs >= FRESH_MS) Object.assign(last, { atMs: nowMs, engines: board.list() });
      return last.engines;
    },
  };
}
