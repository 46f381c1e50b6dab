/**
 * Stages the package that is published, in `build/package/`: compiled sources, launcher, model, and all that they need.
 *
 *   npm run build
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { joinModules } from './join-modules.ts';
import { findNeeded, type Lock, type LockEntry } from './lock.ts';
import { toBundledManifest, toManifest } from './manifest.ts';

const STAGE = 'build/package';

/** What goes along as it is. */
const COPIED = [
  'bin/boatload.js',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'models/tickets/tickets-q8_0.gguf',
  'models/tickets/MODEL_CARD.md',
  'models/tickets/sample.jsonl',
  'models/tickets/sample.expected.jsonl',
];

/** The source of llama.cpp, 34 MB: for people who compile the engine; we never do. */
const LEFT_OUT = ['node_modules/node-llama-cpp/llama/gitRelease.bundle'];

/** Builds the package into the stage and returns the folder. */
export async function stagePackage(): Promise<string> {
  rmSync(STAGE, { recursive: true, force: true });
  execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' });
  for (const file of [...COPIED, ...otherSources()]) copyToStage(file, file.replace(/^src\//, 'dist/'));
  const lock = readJson('package-lock.json') as Lock;
  const manifest = toManifest(readJson('package.json') as LockEntry, lock);
  writeJson('package.json', manifest);
  for (const folder of findNeeded(lock, Object.keys(manifest.dependencies ?? {}))) bundle(folder);
  await joinModules({ dist: join(STAGE, 'dist'), entry: 'main.js', into: 'joined' });
  return STAGE;
}

/** Sources that the compiler leaves behind, such as SQL. */
const otherSources = () =>
  readdirSync('src', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));

function bundle(folder: string): void {
  cpSync(folder, join(STAGE, folder), {
    recursive: true,
    // Packages inside packages are on the list themselves.
    filter: (path) => !path.slice(folder.length).split(sep).includes('node_modules') && !LEFT_OUT.includes(path),
  });
  const manifest = join(folder, 'package.json');
  writeJson(manifest, toBundledManifest(readJson(manifest) as LockEntry));
}

function copyToStage(file: string, target: string): void {
  mkdirSync(dirname(join(STAGE, target)), { recursive: true });
  cpSync(file, join(STAGE, target));
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const writeJson = (path: string, content: unknown) => writeFileSync(join(STAGE, path), `${JSON.stringify(content, null, 2)}\n`);

if (import.meta.main) console.log(`The package is in ${await stagePackage()}. Pack it with: npm pack ./${STAGE}`);
