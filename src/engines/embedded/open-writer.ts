/** Opens the context in which a model writes: all its rows are sequences of one batch. */
import type { LlamaContext } from 'node-llama-cpp';
import type { BatchOrder } from './batch-order.ts';
import { type Capacity, chooseCapacity, roomFor } from './capacity.ts';
import type { ChildOptions } from './child-messages.ts';
import { brokenWeights, cannotRun, type Weights } from './load-weights.ts';

export interface OpenedWriter {
  readonly context: LlamaContext;
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

/** Throws a `Problem` with reason `MODEL_FILE_INVALID` or `MODEL_TOO_LARGE`. */
export async function openWriter({ model, threads }: Weights, options: ChildOptions, order: BatchOrder): Promise<OpenedWriter> {
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
  const { slots, contextSize } = await chooseCapacity(options, { ...roomFor(model, options), contextBytes: reckon });
  try {
    const context = await model.createContext({
      sequences: slots,
      contextSize,
      ...toAttention(options, contextSize),
      threads,
      failedCreationRemedy: false,
      ...(options.adapterPath !== undefined && { lora: options.adapterPath }),
      batching: { itemPrioritizationStrategy: order.strategy },
    });
    return { context, memoryBytes: model.size + contextBytes };
  } catch (cause) {
    throw cannotRun(cause);
  }
}

/** Looks at one distribution; throws a `Problem` where it is none. */
export async function expectSense({ model }: Weights, { context }: OpenedWriter): Promise<void> {
  const sequence = context.getSequence();
  const generateNext = { probabilities: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } };
  const tokens = model.tokenize('Hello, how are you?');
  const output = await sequence.controlledEvaluate(
    tokens.map((token, at) => (at === tokens.length - 1 ? [token, { generateNext }] : token)),
  );
  await sequence.dispose();
  const likely = [...(output.at(-1)?.next.probabilities?.values() ?? [])];
  const sum = likely.reduce((total, probability) => total + probability, 0);
  const isDistribution = Math.abs(sum - 1) < 0.01;
  if (!isDistribution) throw brokenWeights();
}
