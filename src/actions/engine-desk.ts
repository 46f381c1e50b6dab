/** The engines for many workers through one process: each of them looks every two seconds, and who looks at the same time shares a look. */
import type { EngineBoard } from '../db/engine-board.ts';

/** Short enough that whoever adds an engine and then a job finds workers that know it. */
const FRESH_MS = 100;

/** The same board, which asks the database ten times a second at most what engines there are. */
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
