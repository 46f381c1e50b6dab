/** Tries models before they are READY: each is loaded by a child process, asked for a token, and let go. */

import type { ModelTrial, TryModel, WeightsFile } from '../actions/try-model.ts';
import { Problem } from '../base/problem.ts';
import type { ModelCache } from './model-cache.ts';

export interface ModelTrialOptions {
  readonly cache: ModelCache;
  /** The weights of a model that an account names; undefined where no file is behind it. */
  readonly weightsOf: (name: string, accountId: string) => Promise<string | undefined>;
  /** Others run the models: a machine with less memory than theirs refuses none. */
  readonly runsElsewhere: boolean;
}

/** One model at a time: two could take memory from each other. */
export function makeModelTrial(options: ModelTrialOptions): TryModel {
  let turn: Promise<unknown> = Promise.resolve();
  return (trial) => {
    const tried = turn.then(() => tryModel(options, trial));
    turn = tried.catch(() => undefined);
    return tried;
  };
}

async function tryModel({ cache, weightsOf, runsElsewhere }: ModelTrialOptions, trial: ModelTrial): Promise<readonly string[]> {
  const { file, baseModel, accountId } = trial;
  const path = await cache.pathOf(file);
  const base = baseModel === undefined ? undefined : await weightsOf(baseModel, accountId);
  if (baseModel !== undefined && base === undefined) throw noBase(baseModel);
  try {
    await load(base === undefined ? { modelPath: path } : { modelPath: base, adapterPath: path });
    return [];
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    if (runsElsewhere && cause.reason === 'MODEL_TOO_LARGE') return [`Not tried: ${cause.message}`];
    throw inWords(cause, [path, ...(base === undefined ? [] : [base])], file);
  }
}

async function load(paths: { readonly modelPath: string; readonly adapterPath?: string }): Promise<void> {
  const { openEmbeddedEngine } = await import('../engines/embedded/open-embedded.ts');
  const engine = await openEmbeddedEngine({ ...paths, modelId: 'trial', slots: 1 });
  await engine.close();
}

/** Where files lie on the server is nobody's business. */
const inWords = (problem: Problem, paths: readonly string[], { name }: WeightsFile): Problem => {
  const message = paths.reduce((text, path) => text.replaceAll(path, name), problem.message);
  return new Problem(problem.code, message, { reason: problem.reason, details: { file: name } });
};

/** The refusal of an addon whose model is no file here. */
export const noBase = (baseModel: string): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `The addon goes on ${baseModel.slice(0, 200)}, which is no GGUF model here. Name one that is, or serve the addon by another engine.`,
    { reason: 'BASE_MODEL_NOT_HERE', details: { field: 'peftDetails.baseModel' } },
  );
