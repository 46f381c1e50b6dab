/** The program as people get it: built, packed, and installed by npm into a folder of its own. Once for all system tests. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** All that the published package is made of. */
export const SOURCES = ['src', 'bin', 'packaging', 'models/tickets', 'README.md', 'LICENSE', 'CHANGELOG.md'];
/** And made with. */
export const TOOLS = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
const FOLDER = resolve('build/installed');
/** Another version may be under test in the same checkout, but not for so long. */
const KEPT_MS = 3_600_000;

export interface Installed {
  /** A project that has nothing but this package. */
  readonly home: string;
  /** The package in there. */
  readonly folder: string;
  /** What Node starts it with. */
  readonly program: string;
}

/** Installs it, which takes a minute or so, or finds what another test has installed from the same sources. */
export async function installProgram(): Promise<Installed> {
  const home = join(FOLDER, hashSources());
  if (!existsSync(home)) await install(home);
  const folder = join(home, 'node_modules/boatload');
  return { home, folder, program: join(folder, 'bin/boatload.js') };
}

async function install(home: string): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  for (const old of readdirSync(FOLDER).map((name) => join(FOLDER, name)))
    if (statSync(old).mtimeMs < Date.now() - KEPT_MS) rmSync(old, { recursive: true });
  const making = mkdtempSync(`${FOLDER}/making-`);
  await run('npm', ['run', 'build']);
  const { stdout } = await run('npm', ['pack', './build/package', '--json', '--pack-destination', making], {
    // It lists every file of the package.
    maxBuffer: 64 * 1024 * 1024,
  });
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  if (packed === undefined) throw new Error('npm packed nothing');
  writeFileSync(join(making, 'package.json'), '{}');
  const archive = join(making, packed.filename);
  await run('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', archive], { cwd: making });
  rmSync(archive);
  renameSync(making, home);
}

/** Changes with every byte that could make another program. */
function hashSources(): string {
  const files = SOURCES.flatMap((path) => (statSync(path).isDirectory() ? filesIn(path) : [path]));
  const hash = createHash('sha256');
  for (const file of [...files, ...TOOLS].toSorted()) hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 16);
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('__pycache__'))
    .map(({ parentPath, name }) => join(parentPath, name));
