/** What a model is made for, as its file says: to write, or to make vectors. */
import type { LlamaModel } from 'node-llama-cpp';
import { invalid } from './load-weights.ts';

export type Purpose = 'writing' | 'embeddings';

/** How a file says that the vectors of a text's tokens become one: their mean, the first one's, the last one's. */
const POOLED: ReadonlySet<unknown> = new Set([1, 2, 3]);
const RANKED = 4;

/** Throws a `Problem` with reason `MODEL_FILE_INVALID` for a model that can do neither here. */
export function purposeOf({ fileInfo, fileInsights }: LlamaModel): Purpose {
  const { pooling_type: pooling, attention } = fileInfo.architectureMetadata;
  if (POOLED.has(pooling)) return 'embeddings';
  if (pooling === RANKED)
    throw invalid('The model ranks documents by a question: such models are not run here. Use an engine that serves rerankers.');
  // What looks at the whole text at once writes none.
  const isEncoder = attention?.causal === false || !fileInsights.hasDecoder;
  if (isEncoder)
    throw invalid(
      'The model is an encoder whose file does not say how the vectors of tokens become one (its pooling type). Convert it with that, or get another file.',
    );
  return 'writing';
}
