/** Tries models before they are READY: each is loaded by a child process, asked for a token, and let go. */

import { basename } from 'node:path';
import type { ModelTrial, TryModel, WeightsFile } from '../actions/try-model.ts';
import { Problem } from '../base/problem.ts';
import type { Loading } from '../engines/embedded/loading.ts';
import { findWeights, type Weights, type WeightsPlaces } from './find-weights.ts';

export interface ModelTrialOptions extends WeightsPlaces, Loading {
  /** Others run the models: a machine with less memory than theirs refuses none. */
  readonly runsElsewhere: boolean;
  /** How long one that loads keeps the next one waiting. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 20_000;

/** One model at a time, as two could take memory from each other; one that takes long, or hangs, lets the next one pass. */
export function makeModelTrial(options: ModelTrialOptions): TryModel {
  let turn: Promise<unknown> = Promise.resolve();
  return async (trial) => {
    // Fetching them keeps nobody waiting.
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

async function tryModel(
  { runsElsewhere, loadMs, fusedAttention, memoryBytes }: ModelTrialOptions,
  { file }: ModelTrial,
  weights: Weights,
): Promise<readonly string[]> {
  const { openEmbeddedEngine } = await import('../engines/embedded/open-embedded.ts');
  try {
    const engine = await openEmbeddedEngine({ ...weights, modelId: 'trial', slots: 1, loadMs, fusedAttention, memoryBytes });
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
