/** What a process has of the models that are files in the store: it serves them, and tries new ones. */
import { join } from 'node:path';
import type { TryModel } from '../actions/try-model.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { ModelCache } from './model-cache.ts';
import { ModelLibrary, type ModelLibraryOptions } from './model-library.ts';
import { makeModelTrial } from './model-trial.ts';

export interface OpenLibraryOptions extends Omit<ModelLibraryOptions, 'cache'> {
  readonly objects: ObjectStore;
  /** On local disk: files that the store has elsewhere are kept below it. */
  readonly dataDir: string;
  /** Where their rows run: `elsewhere` for a process that only answers for them. Absent: there are no such models. */
  readonly runs: 'here' | 'elsewhere' | undefined;
}

export interface OpenedLibrary {
  readonly tryModel?: TryModel;
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

const NONE: OpenedLibrary = { refresh: async () => {}, stop: async () => {} };

/** Resolves when what there is can be named by callers. */
export async function openLibrary({ objects, dataDir, runs, ...options }: OpenLibraryOptions): Promise<OpenedLibrary> {
  if (runs === undefined) return NONE;
  const cache = new ModelCache(objects, join(dataDir, 'models'));
  const library = new ModelLibrary({ ...options, cache });
  await library.start();
  return {
    refresh: () => library.refresh(),
    stop: () => library.stop(),
    tryModel: makeModelTrial({
      cache,
      weightsOf: (name, accountId) => library.weightsOf(name, accountId),
      runsElsewhere: runs === 'elsewhere',
      loadMs: options.loadMs,
      fusedAttention: options.fusedAttention,
      memoryBytes: options.memoryBytes,
    }),
  };
}
