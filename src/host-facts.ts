import { createRequire } from 'node:module';
import { availableParallelism, totalmem } from 'node:os';
import type { RunFacts } from './cli/doors.ts';

/** Read from package.json, which stands beside `src/` in a checkout and beside `dist/` in the package. */
export const readVersion = (): string => {
  const found: unknown = createRequire(import.meta.url)('../package.json');
  return typeof found === 'object' && found !== null && 'version' in found ? String(found.version) : '0.0.0';
};

export const hostFacts = (): RunFacts => ({
  version: readVersion(),
  nodeVersion: process.versions.node,
  cores: availableParallelism(),
  memoryBytes: totalmem(),
});
