/** The models of the measurements: random weights in the shapes of well-known sizes, as speed knows no sense. */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRandomModel } from '../../models/random/make-random-model.ts';

const SHAPES = {
  '0.6b': { dimension: 1024, layers: 28, heads: 16, keyValueHeads: 8, headDimension: 128, feedForward: 3072 },
  '135m': { dimension: 576, layers: 30, heads: 9, keyValueHeads: 3, feedForward: 1536 },
  /** For long prompts, and many of them: two layers as wide as a real model's are to its attention. */
  '5m': { dimension: 384, layers: 2, heads: 3, keyValueHeads: 1, headDimension: 128, feedForward: 1536 },
  tiny: { dimension: 64, layers: 2, heads: 2, keyValueHeads: 1, feedForward: 128 },
} as const;

export type ModelName = keyof typeof SHAPES;

/** Kept from one run to the next: the same shape is the same bytes. */
const FOLDER = join(tmpdir(), 'boatload-bench-models');
const CONTEXT = 1024;

/** Makes the model, Q8_0, unless it is there; answers its path. Its file's name is the model's name. */
export function makeModel(name: ModelName): string {
  const path = join(FOLDER, `${name}.gguf`);
  if (existsSync(path)) return path;
  mkdirSync(FOLDER, { recursive: true });
  const making = `${path}.${process.pid}`;
  makeRandomModel(making, { shape: { ...SHAPES[name], contextLength: CONTEXT }, type: 'q8_0', readable: true });
  renameSync(making, path);
  return path;
}
