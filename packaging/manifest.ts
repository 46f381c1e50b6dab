/** The package.json that is published. */
import type { Lock, LockEntry } from './lock.ts';

/** The compiled package runs without type stripping, but on nothing older than what is tested. */
const NODE = '>=22.19';

/** The engine's CPU binaries by platform. `linux-armv7l` is left out: it claims to fit x64 as well, and no current Node runs there. */
const ENGINE_BINARIES = ['linux-x64', 'linux-arm64', 'linux-riscv64', 'mac-arm64-metal', 'mac-x64', 'win-x64', 'win-arm64'];

/** What programs can import: the client alone. */
const EXPORTS = {
  './client': { types: './dist/client/client.d.ts', default: './dist/client/client.js' },
  './package.json': './package.json',
};

/**
 * Everything the product needs is bundled, so that people get the versions that were tested, and the engine's own list of binaries (GPU ones
 * included: 650 MB) is never followed. Only the binary of the platform is fetched, by npm, as an optional dependency.
 */
export function toManifest(checkout: LockEntry, lock: Lock): LockEntry {
  const { private: _private, scripts, devDependencies, optionalDependencies, knip, ...kept } = checkout;
  return {
    ...kept,
    engines: { node: NODE },
    exports: EXPORTS,
    bundleDependencies: Object.keys(checkout.dependencies ?? {}),
    optionalDependencies: Object.fromEntries(ENGINE_BINARIES.map((platform) => binary(lock, `@node-llama-cpp/${platform}`))),
  };
}

function binary({ packages }: Lock, name: string): [string, string] {
  const version = packages[`node_modules/${name}`]?.version;
  if (version === undefined) throw new Error(`package-lock.json has no ${name}. Run: npm install`);
  return [name, version];
}

/** A bundled package brings no further packages and runs nothing when it is installed: its needs are in the bundle. */
export function toBundledManifest(manifest: LockEntry): LockEntry {
  const { optionalDependencies = {}, scripts, ...kept } = manifest;
  const dependencies = Object.entries(kept.dependencies ?? {}).filter(([name]) => !(name in optionalDependencies));
  return { ...kept, dependencies: Object.fromEntries(dependencies) };
}
