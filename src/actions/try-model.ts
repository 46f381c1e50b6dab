/** Trying a model before it is READY: what is asked for, and who answers is the roof's affair. */
import type { ModelFile } from '../db/schema.ts';

/** A file that has arrived. */
export type WeightsFile = Pick<ModelFile, 'name' | 'bytes'> & { readonly objectKey: string; readonly sha256: string };

export interface ModelTrial {
  /** Whose model it is: names are understood as in its requests. */
  readonly accountId: string;
  readonly file: WeightsFile;
  /** The model that it goes on, where it is an addon. */
  readonly baseModel?: string | undefined;
}

/**
 * Loads it in a process of its own and asks for one token. Answers what is odd; throws a `Problem`: `MODEL_FILE_INVALID`, `MODEL_TOO_LARGE`,
 * `BASE_MODEL_NOT_HERE`, `ENGINE_BINARY_MISSING`.
 */
export type TryModel = (trial: ModelTrial) => Promise<readonly string[]>;
