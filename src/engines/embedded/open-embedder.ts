/** Opens the contexts in which a model makes vectors. */
import type { LlamaEmbeddingContext } from 'node-llama-cpp';
import { type Capacity, chooseCapacity, roomFor } from './capacity.ts';
import type { ChildOptions } from './child-messages.ts';
import { Embedder } from './embedder.ts';
import { brokenWeights, cannotRun, invalid, type Weights } from './load-weights.ts';

export interface OpenedEmbedder {
  readonly embedder: Embedder;
  /** What its weights and its contexts are reckoned to take. */
  readonly memoryBytes: number;
}

/** Computation is one at a time; while it goes on for one context, the next input is read. That is worth less than a longer context. */
const USUAL_SLOTS = [2, 1];

/** The library wants a place more than the input has tokens, and evaluates no input in two batches. */
const toSizes = (contextSize: number) => ({ contextSize: contextSize + 1, batchSize: contextSize + 1 });

/** Throws a `Problem` with reason `MODEL_FILE_INVALID` or `MODEL_TOO_LARGE`. */
export async function openEmbedder({ model, threads }: Weights, options: ChildOptions): Promise<OpenedEmbedder> {
  if (options.adapterPath !== undefined)
    throw invalid('The model makes embeddings, and LoRA adapters are put on models that write only: use another base model.');
  // In the end that of the capacity which is chosen.
  let contextBytes = 0;
  const reckon = async ({ slots, contextSize }: Capacity): Promise<number> => {
    const needs = await model.fileInsights.estimateContextResourceRequirementsV2({
      ...toSizes(contextSize),
      isEmbeddingContext: true,
      modelGpuLayers: model.gpuLayers,
    });
    contextBytes = slots * needs.cpuRam;
    return contextBytes;
  };
  const wishes = {
    ...options,
    slots: options.slots ?? USUAL_SLOTS,
    // Where positions are learned there are none beyond.
    contextSize: options.contextSize && Math.min(options.contextSize, model.trainContextSize),
  };
  const { slots, contextSize } = await chooseCapacity(wishes, { ...roomFor(model, options), contextBytes: reckon });
  const open = () => model.createEmbeddingContext({ ...toSizes(contextSize), threads });
  try {
    const others: LlamaEmbeddingContext[] = [];
    const first = await open();
    while (others.length < slots - 1) others.push(await open());
    return { embedder: new Embedder([first, ...others], contextSize), memoryBytes: model.size + contextBytes };
  } catch (cause) {
    throw cannotRun(cause);
  }
}

/** Looks at one vector; throws a `Problem` where it is none. */
export async function expectVector({ embedder }: OpenedEmbedder): Promise<void> {
  const tokens = embedder.model.tokenize('Hello, how are you?');
  const [vector = []] = await embedder.embedAll([tokens], new AbortController().signal).catch(() => []);
  if (!vector.some((value) => value !== 0)) throw brokenWeights();
}
