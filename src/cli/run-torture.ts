/** What `boatload torture` does: a line for each seed as it ends, and a table. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Problem } from '../base/problem.ts';
import type { Size } from '../torture/scenario.ts';
import { type TortureOptions, toLine, torture, toTable } from '../torture/torture.ts';
import type { CommandContext } from './command.ts';
import { EXIT } from './exit.ts';

/** The flags as they were given. */
export interface TortureFlags {
  readonly seeds?: readonly number[];
  readonly size: Size | 'both';
  readonly rows?: number;
  readonly atOnce?: number;
  readonly databaseUrl?: string;
  readonly objectStore?: string;
  readonly dir?: string;
  readonly json?: true;
}

const DEFAULTS = { seeds: Array.from({ length: 10 }, (_, place) => place + 1), rows: 20_000, atOnce: 1 } as const;

/** Resolves with the exit code: not 0 when anything was not kept. */
export async function runTorture(flags: TortureFlags, { host }: Pick<CommandContext, 'host'>): Promise<number> {
  const dir = flags.dir === undefined ? await mkdtemp(join(tmpdir(), 'boatload-torture-')) : resolve(flags.dir);
  const { seeds, rows, atOnce } = { ...DEFAULTS, ...flags };
  const results = await torture({
    seeds,
    rows,
    atOnce,
    dir,
    sizes: flags.size === 'both' ? ['embedded', 'fleet'] : [flags.size],
    // The very program that is running.
    program: process.argv[1] ?? '',
    ...toGround(flags),
    onResult: (result) => host.stdout.write(`${flags.json === true ? JSON.stringify(result) : toLine(result)}\n`),
  });
  const broken = results.filter(({ violations }) => violations.length > 0);
  if (flags.json !== true) host.stdout.write(`\n${toTable(results)}\n`);
  if (broken.length === 0 && flags.dir === undefined) await rm(dir, { recursive: true, force: true });
  else if (broken.length > 0)
    host.stderr.write(`${broken.length} of ${results.length} seeds went wrong; their folders are in ${dir}\n`);
  return broken.length === 0 ? EXIT.ok : EXIT.failure;
}

function toGround({ size, databaseUrl, objectStore }: TortureFlags): Pick<TortureOptions, 'ground'> {
  if (size === 'embedded') return {};
  if (databaseUrl !== undefined && objectStore !== undefined) return { ground: { database: databaseUrl, objects: objectStore } };
  throw new Problem(
    'INVALID_ARGUMENT',
    'A fleet stands on PostgreSQL and S3, and --database-url or --object-store is missing. For one process: --size embedded.',
    { reason: 'SETTING_MISSING' },
  );
}
