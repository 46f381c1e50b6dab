/**
 * Keeps installs small: writes into the lock file which machines may take each binary of the embedded engine.
 *
 * node-llama-cpp names a package for every platform as an optional dependency, and several of them say that they fit machines
 * that can't use them: left alone, `npm ci` on Linux x64 brings 725 MB (CUDA, Vulkan, and arm binaries). npm decides from the `os` and
 * `cpu` fields of the lock file, so each binary is limited there to its own platform, and the GPU ones to none.
 *
 *   node packaging/trim-lock.ts           rewrite package-lock.json
 *   node packaging/trim-lock.ts --check   fail if it would change
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Lock } from './lock.ts';

const BINARY = /(?:^|\/)node_modules\/@node-llama-cpp\/(?<os>linux|mac|win)-(?<cpu>[a-z0-9]+)(?<gpu>-[a-z-]+)?$/;
const OS: Record<string, string> = { linux: 'linux', mac: 'darwin', win: 'win32' };
const CPU: Record<string, string> = { armv7l: 'arm' };

/** Limits every engine binary in a lock file to its own platform, GPU binaries to none (Metal is part of macOS and stays). */
export function trimLock(lock: Lock): Lock {
  const packages = Object.entries(lock.packages).map(([path, entry]) => {
    const { os = '', cpu = '', gpu } = BINARY.exec(path)?.groups ?? {};
    if (os === '') return [path, entry] as const;
    if (gpu !== undefined && gpu !== '-metal') return [path, { ...entry, os: ['none'] }] as const;
    return [path, { ...entry, os: [OS[os] ?? os], cpu: [CPU[cpu] ?? cpu] }] as const;
  });
  return { ...lock, packages: Object.fromEntries(packages) };
}

if (import.meta.main) {
  const before = readFileSync('package-lock.json', 'utf8');
  const after = `${JSON.stringify(trimLock(JSON.parse(before) as Lock), null, 2)}\n`;
  if (process.argv.includes('--check')) {
    if (after !== before) throw new Error('package-lock.json lets npm install binaries nobody needs. Run: npm run trim-lock');
  } else writeFileSync('package-lock.json', after);
}
