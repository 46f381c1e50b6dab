/** Where processes find the models that are files in the store: in the database, or through a process that has it. */
import { listRunnableFiles, type RunnableFile } from './queries/list-runnable-files.ts';
import type { Store } from './store.ts';

export interface ModelFiles {
  /** No other process can change them. */
  readonly isAlone: boolean;
  /** Those of all accounts that our own engine runs; of each model the usual file first. */
  list(): Promise<readonly RunnableFile[]>;
}

/** Those in the database. */
export const makeModelFiles = ({ db, embedded }: Pick<Store, 'db' | 'embedded'>): ModelFiles => ({
  isAlone: embedded,
  list: () => listRunnableFiles(db),
});
