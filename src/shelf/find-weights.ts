/** The files that an engine is opened on: a model's own, or an addon's with those of its base. */
import type { WeightsFile } from '../actions/try-model.ts';
import { Problem } from '../base/problem.ts';
import type { ModelCache } from './model-cache.ts';

export interface WeightsPlaces {
  readonly cache: ModelCache;
  /** The weights of a model that an account names; undefined where no file is behind it. */
  readonly weightsOf: (name: string, accountId: string) => Promise<string | undefined>;
}

/** Whose file, and what it goes on where it is an addon. */
interface WantedWeights {
  readonly file: Pick<WeightsFile, 'objectKey' | 'sha256'>;
  readonly baseModel?: string | undefined;
  readonly accountId: string;
}

export interface Weights {
  readonly modelPath: string;
  readonly adapterPath?: string;
}

/** They may have to be fetched first. Throws `BASE_MODEL_NOT_HERE`. */
export async function findWeights(
  { cache, weightsOf }: WeightsPlaces,
  { file, baseModel, accountId }: WantedWeights,
): Promise<Weights> {
  const path = await cache.pathOf(file);
  if (baseModel === undefined) return { modelPath: path };
  const base = await weightsOf(baseModel, accountId);
  if (base === undefined) throw noBase(baseModel);
  return { modelPath: base, adapterPath: path };
}

/** The refusal of an addon whose model is no file here. */
const noBase = (baseModel: string): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `The addon goes on ${baseModel.slice(0, 200)}, which is no GGUF model here. Name one that is, or serve the addon by another engine.`,
    { reason: 'BASE_MODEL_NOT_HERE', details: { field: 'peftDetails.baseModel' } },
  );
