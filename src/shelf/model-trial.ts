/** Tries models before they are READY: each is loaded by a child process, asked for a token, and let go. */

import { basename } from 'node:path';
import type { ModelTrial, TryModel, WeightsFile } from '../actions/try-model.ts';
import { Problem } from '../base/problem.ts';
import type { ModelCache } from './model-cache.ts';

export interface ModelTrialOptions {
  readonly cache: ModelCache;
  /** The weights of a model that an account names; undefined where no file is behind it. */
  readonly weightsOf: (name: string, accountId: string) => Promise<string | undefined>;
  /** Others run the models: a machine with less memory than theirs refuses none. */
  readonly runsElsewhere: boolean;
  /** How long a model may take to load; absent: as its size allows. */
  readonly loadMs?: number | undefined;
  /** How long one that loads keeps the next one waiting. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 20_000;

/** One model at a time, as two could take memory from each other; one that takes long, or hangs, lets the next one pass. */
export function makeModelTrial(options: ModelTrialOptions): TryModel {
  let turn: Promise<unknown> = Promise.resolve();
  return async (trial) => {
    const weights = await findWeights(options, trial);
    const tried = turn.then(() => tryModel(options, trial, weights));
    turn = turn.then(() => atMost(tried, options.patienceMs ?? PATIENCE_MS));
    return tried;
  };
}

/** Resolves when it has ended in whatever way, or when the time is over. */
async function atMost(ending: Promise<unknown>, ms: number): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const clock = setTimeout(resolve, ms);
  await Promise.race([ending.catch(() => undefined), over]);
  clearTimeout(clock);
}

interface Weights {
  readonly modelPath: string;
  readonly adapterPath?: string;
}

/** It may have to be fetched first: that keeps nobody waiting. */
async function findWeights({ cache, weightsOf }: ModelTrialOptions, trial: ModelTrial): Promise<Weights> {
  const { file, baseModel, accountId } = trial;
  const path = await cache.pathOf(file);
  if (baseModel === undefined) return { modelPath: path };
  const base = await weightsOf(baseModel, accountId);
  if (base === undefined) throw noBase(baseModel);
  return { modelPath: base, adapterPath: path };
}

async function tryModel(
  { runsElsewhere, loadMs }: ModelTrialOptions,
  { file }: ModelTrial,
  weights: Weights,
): Promise<readonly string[]> {
  const { openEmbeddedEngine } = await import('../engines/embedded/open-embedded.ts');
  try {
    const engine = await openEmbeddedEngine({ ...weights, modelId: 'trial', slots: 1, loadMs });
    await engine.close();
    return [];
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    if (runsElsewhere && cause.reason === 'MODEL_TOO_LARGE') return [`Not tried: ${cause.message}`];
    throw inWords(cause, Object.values(weights), file);
  }
}

/** Where files lie on the server is nobody's business. */
const inWords = (problem: Problem, paths: readonly string[], { name }: WeightsFile): Problem => {
  const message = paths
    .flatMap((path) => [path, basename(path)])
    .reduce((text, path) => text.replaceAll(path, name), problem.message);
  return new Problem(problem.code, message, { reason: problem.reason, details: { file: name } });
};

/** The refusal of an addon whose model is no file here. */
export const noBase = (baseModel: string): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `The addon goes on ${baseModel.slice(0, 200)}, which is no GGUF model here. Name one that is, or serve the addon by another engine.`,
    { reason: 'BASE_MODEL_NOT_HERE', details: { field: 'peftDetails.baseModel' } },
  );
