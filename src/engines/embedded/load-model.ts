/** Loads a model into this process and makes sure that it can answer. */
import { availableParallelism } from 'node:os';
import {
  getLlama,
  InsufficientMemoryError,
  type Llama,
  type LlamaContext,
  LlamaLogLevel,
  type LlamaModel,
  NoBinaryFoundError,
} from 'node-llama-cpp';
import { messageOf } from '../../base/message-of.ts';
import { Problem } from '../../base/problem.ts';
import type { BatchOrder } from './batch-order.ts';
import { type Capacity, chooseCapacity, chooseThreads } from './capacity.ts';
import type { ChildOptions } from './child-messages.ts';

export interface LoadedModel {
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  readonly threads: number;
  /** What its weights and its context are reckoned to take. */
  readonly memoryBytes: number;
}

/** What decides of a context's memory beside its size: told to the estimate as to the context. */
const toAttention = ({ fusedAttention = false }: ChildOptions, contextSize: number) => ({
  // Fused, it rounds by how many tokens of a sequence come at once: a row would read otherwise alone than in a batch.
  flashAttention: fusedAttention,
  // Where attention slides over a window, keep what left it: prefixes can be used again.
  swaFullCache: true,
  // Unfused, every token of a batch has a score for every place of the context: over a long one a large batch takes gigabytes.
  batchSize: contextSize > 8_192 ? 128 : 512,
});

/** Throws a `Problem` with reason `ENGINE_BINARY_MISSING`, `MODEL_FILE_INVALID` or `MODEL_TOO_LARGE`. */
export async function loadModel(options: ChildOptions, order: BatchOrder): Promise<LoadedModel> {
  const llama = await openLlama();
  const model = await openModel(llama, options.modelPath);
  const threads = options.threads ?? chooseThreads(model.size, Math.min(llama.cpuMathCores, availableParallelism()));
  const { context, memoryBytes } = await openContext(model, { ...options, threads }, order);
  return { llama, model, context, threads, memoryBytes };
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

async function openContext(
  model: LlamaModel,
  options: ChildOptions & { readonly threads: number },
  order: BatchOrder,
): Promise<Pick<LoadedModel, 'context' | 'memoryBytes'>> {
  // In the end that of the capacity which is chosen.
  let contextBytes = 0;
  const reckon = async (capacity: Capacity): Promise<number> => {
    const needs = await model.fileInsights.estimateContextResourceRequirementsV2({
      contextSize: capacity.contextSize,
      sequences: capacity.slots,
      modelGpuLayers: model.gpuLayers,
      ...toAttention(options, capacity.contextSize),
    });
    contextBytes = needs.cpuRam;
    return contextBytes;
  };
  const { slots, contextSize } = await chooseCapacity(options, {
    modelBytes: model.size,
    trainedContext: model.trainContextSize,
    availableBytes: Math.min(process.availableMemory(), options.roomBytes ?? Number.POSITIVE_INFINITY),
    contextBytes: reckon,
  });
  try {
    const context = await model.createContext({
      sequences: slots,
      contextSize,
      ...toAttention(options, contextSize),
      threads: options.threads,
      failedCreationRemedy: false,
      ...(options.adapterPath !== undefined && { lora: options.adapterPath }),
      batching: { itemPrioritizationStrategy: order.strategy },
    });
    return { context, memoryBytes: model.size + contextBytes };
  } catch (cause) {
    throw cause instanceof InsufficientMemoryError
      ? tooLarge(cause)
      : invalid(`llama.cpp can't run the model: ${messageOf(cause)}`, cause);
  }
}

/** Broken weights load without a word and answer nonsense for ever: look at one distribution. */
export async function testModel({ model, context }: LoadedModel): Promise<void> {
  const sequence = context.getSequence();
  const generateNext = { probabilities: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } };
  const tokens = model.tokenize('Hello, how are you?');
  const output = await sequence.controlledEvaluate(
    tokens.map((token, at) => (at === tokens.length - 1 ? [token, { generateNext }] : token)),
  );
  await sequence.dispose();
  const likely = [...(output.at(-1)?.next.probabilities?.values() ?? [])];
  const sum = likely.reduce((total, probability) => total + probability, 0);
  if (Math.abs(sum - 1) < 0.01) return;
  throw invalid('The model loads, but its answers are not numbers: its weights are broken. Get the file again.', undefined);
}

const invalid = (message: string, cause: unknown): Problem =>
  new Problem('INVALID_ARGUMENT', message, { reason: 'MODEL_FILE_INVALID', cause });

const tooLarge = (cause: unknown): Problem =>
  new Problem('RESOURCE_EXHAUSTED', `The model needs more memory than there is: ${messageOf(cause)}`, {
    reason: 'MODEL_TOO_LARGE',
    cause,
  });
