import { createRequire } from 'node:module';
import { availableParallelism, totalmem } from 'node:os';
import type { RunFacts, Versions } from './cli/doors.ts';
import { SCHEMA_VERSION } from './db/schema-version.ts';

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** package.json stands beside `src/` in a checkout and beside `dist/` in the package. */
const readManifest = (): Manifest => createRequire(import.meta.url)('../package.json') as Manifest;

export const readVersion = (): string => readManifest().version;

/** What `--version` prints. */
export const versions = (): Versions => ({
  boatload: readVersion(),
  engine: `node-llama-cpp ${readManifest().dependencies['node-llama-cpp'] ?? 'not installed'}`,
  schema: SCHEMA_VERSION,
});

/** What a run says of the machine that it is on. */
export const hostFacts = (): RunFacts => ({
  version: readVersion(),
  nodeVersion: process.versions.node,
  cores: availableParallelism(),
  memoryBytes: totalmem(),
});
