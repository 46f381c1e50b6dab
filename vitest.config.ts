import { defineConfig } from 'vitest/config';

/** `house`: the drawing and the rules of the code. `unit`: pure and fast. `real`: starts databases, servers, engines of its own. `system`: needs what npm can't bring. */
const project = (name: string, include: string[], testTimeout: number) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout, pool: 'forks' as const, setupFiles: ['test/support/seed.ts'] },
});

export default defineConfig({
  test: {
    // Most tests wait for processes and disks more than they work: the default would leave one core of two idle.
    maxWorkers: '100%',
    projects: [
      project('house', ['test/house/**/*.test.ts'], 10_000),
      project('unit', ['test/{base,contract,jsonl,jobs,packaging}/**/*.test.ts'], 20_000),
      project('real', ['test/{storage,engines,client,cli,db,actions,worker,api,door,models}/**/*.test.ts'], 120_000),
      // One file after the other: what they time would not be the program's doing.
      { test: { ...project('system', ['test/system/**/*.test.ts'], 600_000).test, fileParallelism: false } },
    ],
  },
});
