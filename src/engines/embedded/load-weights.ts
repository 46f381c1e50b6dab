/** Loads a model's weights into this process. */
import { availableParallelism } from 'node:os';
import {
  getLlama,
  InsufficientMemoryError,
  type Llama,
  LlamaLogLevel,
  type LlamaModel,
  NoBinaryFoundError,
} from 'node-llama-cpp';
import { messageOf } from '../../base/message-of.ts';
import { Problem } from '../../base/problem.ts';
import { chooseThreads } from './capacity.ts';
import type { ChildOptions } from './child-messages.ts';

/** Weights in memory, which nothing can run yet. */
export interface Weights {
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly threads: number;
}

/** Throws a `Problem` with reason `ENGINE_BINARY_MISSING`, `MODEL_FILE_INVALID` or `MODEL_TOO_LARGE`. */
export async function loadWeights({ modelPath, threads }: ChildOptions): Promise<Weights> {
  const llama = await openLlama();
  const model = await openModel(llama, modelPath);
  const cores = Math.min(llama.cpuMathCores, availableParallelism());
  return { llama, model, threads: threads ?? chooseThreads(model.size, cores) };
}

async function openLlama(): Promise<Llama> {
  try {
    // Never compiles or downloads: a machine without a fitting binary is told so.
    return await getLlama({ build: 'never', logLevel: LlamaLogLevel.error, progressLogs: false, maxThreads: 0 });
  } catch (cause) {
    if (!(cause instanceof NoBinaryFoundError)) throw cause;
    throw new Problem(
      'FAILED_PRECONDITION',
      `There is no llama.cpp binary for ${process.platform} on ${process.arch}. Install the package @node-llama-cpp of this platform, or use an engine by its URL.`,
      { reason: 'ENGINE_BINARY_MISSING', cause },
    );
  }
}

async function openModel(llama: Llama, modelPath: string): Promise<LlamaModel> {
  try {
    return await llama.loadModel({ modelPath });
  } catch (cause) {
    if (cause instanceof InsufficientMemoryError) throw tooLarge(cause);
    throw invalid(`llama.cpp can't load ${modelPath}: ${messageOf(cause)}`, cause);
  }
}

/** What the library says when a context can't be made. */
export const cannotRun = (cause: unknown): Problem =>
  cause instanceof InsufficientMemoryError
    ? tooLarge(cause)
    : invalid(`llama.cpp can't run the model: ${messageOf(cause)}`, cause);

/** The file is no model that can answer. */
export const invalid = (message: string, cause?: unknown): Problem =>
  new Problem('INVALID_ARGUMENT', message, { reason: 'MODEL_FILE_INVALID', cause });

/** Broken weights load without a word and answer nonsense for ever. */
export const brokenWeights = (): Problem =>
  invalid('The model loads, but its answers are not numbers: its weights are broken. Get the file again.');

const tooLarge = (cause: unknown): Problem =>
  new Problem('RESOURCE_EXHAUSTED', `The model needs more memory than there is: ${messageOf(cause)}`, {
    reason: 'MODEL_TOO_LARGE',
    cause,
  });
