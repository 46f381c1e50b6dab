import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

/** `house`: the drawing and the rules of the code. `unit`: pure and fast. `real`: starts databases, servers, engines of its own. `system`: needs what npm can't bring; `system-alone`: the same, with nothing beside it. */
const project = (name: string, include: string[], testTimeout: number, more: object = {}) => ({
  test: {
    name,
    include,
    testTimeout,
    hookTimeout: testTimeout,
    pool: 'forks' as const,
    setupFiles: ['test/support/seed.ts'],
    // Hundreds of processes are started, of the same few programs.
    env: { NODE_COMPILE_CACHE: resolve('build/compiled') },
    ...more,
  },
});

const ALONE = ['test/system/bench-*.test.ts', 'test/system/kill.test.ts', 'test/system/contract/limits.test.ts'];
/** The program as people get it. */
const INSTALLED = { globalSetup: ['test/support/install-first.ts'] };
/** Begins when the groups with a lower number have ended. */
const inTurn = (groupOrder: number) => ({ sequence: { groupOrder } });

export default defineConfig({
  test: {
    // Most tests wait for processes and disks more than they work: the default would leave one core of two idle.
    maxWorkers: '100%',
    projects: [
      project('house', ['test/house/**/*.test.ts'], 10_000),
      project('unit', ['test/{base,contract,jsonl,jobs,packaging}/**/*.test.ts'], 20_000),
      project('real', ['test/{storage,engines,client,cli,db,actions,worker,api,door,models}/**/*.test.ts'], 120_000),
      project('system', ['test/system/**/*.test.ts'], 600_000, { ...INSTALLED, ...inTurn(1), exclude: ALONE }),
      // One file after the other: what they time or count would be the other file's doing.
      project('system-alone', ALONE, 600_000, { ...INSTALLED, ...inTurn(2), fileParallelism: false }),
    ],
  },
});
