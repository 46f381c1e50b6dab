/** The table of checks, in the order in which they are told. */
import { checkDatabase } from './check-database.ts';
import { checkDisk } from './check-disk.ts';
import { checkEngineBinary } from './check-engine-binary.ts';
import { checkEngines } from './check-engines.ts';
import { checkMemory } from './check-memory.ts';
import { checkModels } from './check-models.ts';
import { checkNode } from './check-node.ts';
import { checkOpenFiles } from './check-open-files.ts';
import { checkPorts } from './check-ports.ts';
import { checkServer } from './check-server.ts';
import { checkSettings } from './check-settings.ts';
import { checkStore } from './check-store.ts';
import type { Check, Patient } from './patient.ts';

/** Of the machine, whatever is started on it. */
export const MACHINE_CHECKS = {
  node: checkNode,
  memory: checkMemory,
  files: checkOpenFiles,
  engine: checkEngineBinary,
} as const satisfies Readonly<Record<string, Check<void>>>;

/** Of what would be started. */
export const PATIENT_CHECKS = {
  settings: checkSettings,
  disk: checkDisk,
  ports: checkPorts,
  models: checkModels,
  database: checkDatabase,
  store: checkStore,
  engines: checkEngines,
  server: checkServer,
} as const satisfies Readonly<Record<string, Check<Patient>>>;
