/**
 * `npm run torture`: 200 seeds of 20,000 rows on both sizes, on a PostgreSQL and an S3 server of its own, and a table as docs/durability.md shows it.
 * `npm run torture -- --seeds 1-5 --size fleet --rows 2000 --at-once 2` does less. With `--results FILE` each result is a line of that file; what is
 * there already is not run again, so that a run can be broken off and goes on, and the table is of all of them.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { SeedResult } from '../src/torture/run-seed.ts';
import type { Size } from '../src/torture/scenario.ts';
import { toLine, torture, toTable } from '../src/torture/torture.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { S3_KEY, startS3 } from '../test/support/s3-server.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { seeds: text, size: text, rows: text, 'at-once': text, results: text } });
const [from = 1, to = from] = (values.seeds ?? '1-200').split('-').map(Number);
const sizes: readonly Size[] = values.size === 'embedded' || values.size === 'fleet' ? [values.size] : ['embedded', 'fleet'];
const known: readonly SeedResult[] =
  values.results === undefined || !existsSync(values.results)
    ? []
    : readFileSync(values.results, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as SeedResult); // lines of our own
const seeds = Array.from({ length: to - from + 1 }, (_, place) => from + place);
const unknownOf = (size: Size): readonly number[] =>
  seeds.filter((seed) => !known.some(({ scenario }) => scenario.seed === seed && scenario.size === size));
const needsGround = sizes.includes('fleet');

Object.assign(process.env, S3_KEY);
const [postgres, s3] = needsGround ? await Promise.all([startPostgres(), startS3()]) : [];
try {
  const ground = postgres !== undefined &&
    s3 !== undefined && {
      database: await postgres.makeDatabase(),
      objects: await s3.makeBucket(),
      restartDatabase: () => postgres.crash(),
    };
  const options = {
    rows: Number(values.rows ?? 20_000),
    atOnce: Number(values['at-once'] ?? 2),
    dir: await mkdtemp(join(tmpdir(), 'boatload-torture-')),
    program: fileURLToPath(new URL('../bin/boatload.js', import.meta.url)),
    ...(ground && { ground }),
    onResult: (result: SeedResult) => {
      console.log(toLine(result));
      if (values.results !== undefined) appendFileSync(values.results, `${JSON.stringify(result)}\n`);
      for (const violation of result.violations.slice(0, 5)) console.log(`    ${JSON.stringify(violation).slice(0, 400)}`);
    },
  };
  const results = [...known];
  for (const size of sizes) results.push(...(await torture({ ...options, seeds: unknownOf(size), sizes: [size] })));
  console.log(`\n${toTable(results)}`);
  if (results.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
} finally {
  await Promise.all([postgres?.stop(), s3?.stop()]);
}
// PostgreSQL's package has hooks of its own for the end of a process, which forget the code.
process.exit();
