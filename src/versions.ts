import { createRequire } from 'node:module';
import { availableParallelism, totalmem } from 'node:os';
import type { RunFacts, Versions } from './cli/doors.ts';
import { SCHEMA_VERSION } from './db/schema-version.ts';

const require = createRequire(import.meta.url);

const versionIn = (path: string): string => {
  const found: unknown = require(path);
  return typeof found === 'object' && found !== null && 'version' in found ? String(found.version) : 'unknown';
};

/** package.json stands beside `src/` in a checkout and beside `dist/` in the package. */
export const readVersion = (): string => versionIn('../package.json');

/** What `--version` prints. */
export const versions = (): Versions => ({
  boatload: readVersion(),
  engine: `node-llama-cpp ${versionIn('node-llama-cpp/package.json')}`,
  schema: SCHEMA_VERSION,
});

/** What a run says of the machine that it is on. */
export const hostFacts = (): RunFacts => ({
  version: readVersion(),
  nodeVersion: process.versions.node,
  cores: availableParallelism(),
  memoryBytes: totalmem(),
});
