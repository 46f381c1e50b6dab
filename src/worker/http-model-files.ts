/** The models that are files in the store, for a worker without a database: an API process tells which there are, and the store has them. */
import type { ModelFiles } from '../db/model-files.ts';
import type { WorkerCalls } from './worker-calls.ts';

/** Answers are those of a process of the same version (it refuses others), so they are taken at their word. */
export const makeHttpModelFiles = (api: WorkerCalls): ModelFiles => ({
  isAlone: false,
  list: async () => (await api.call('modelFiles', {})) as Awaited<ReturnType<ModelFiles['list']>>,
});
