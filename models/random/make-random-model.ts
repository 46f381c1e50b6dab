/**
 * Makes a llama model of any shape with random weights: for load, batching, memory and negative tests, never for an answer's sense.
 *
 *   node models/random/make-random-model.ts OUT.gguf [--dimension 128] [--layers 4] [--heads 4] [--key-value-heads 2] [--head-dimension 32]
 *     [--feed-forward 384] [--context 2048] [--type f32|f16|q8_0|q4_0] [--seed 1]
 *
 * Shapes of well-known sizes: 135M is dimension 576, 30 layers, 9 heads, 3 key-value heads, feed-forward 1536;
 * 0.6B is dimension 1024, 28 layers, 16 heads, 8 key-value heads, head dimension 128, feed-forward 3072.
 */
import { parseArgs } from 'node:util';
import { type LlamaShape, type Pooling, toLlamaMetadata } from '../gguf/llama-metadata.ts';
import { type TensorType, toTensorType } from '../gguf/tensor-types.ts';
import { countValues, type Tensor, writeGguf } from '../gguf/write-gguf.ts';
import { makeRandom } from '../random-numbers.ts';
import { drawBell } from './draw-bell.ts';
import { makeVocabulary, ORDINARY } from './vocabulary.ts';

export interface RandomModelOptions {
  readonly shape?: Partial<LlamaShape>;
  /** Format of the matrices. Default f32. */
  readonly type?: TensorType;
  readonly seed?: number;
  /** Greedy answers are made of whole characters: bytes and control tokens are never the likeliest. Default false. */
  readonly readable?: boolean;
  /** Makes it a model for embeddings: how the vectors of its tokens become one. */
  readonly pooling?: Pooling;
}

const SMALL = { dimension: 128, layers: 4, heads: 4, keyValueHeads: 2, feedForward: 384, contextLength: 2048 };

/** Writes the model; the same options write the same bytes. */
export function makeRandomModel(
  path: string,
  options: RandomModelOptions = {},
): { readonly bytes: number; readonly parameters: number } {
  const { type = 'f32', seed = 1, readable = false, pooling } = options;
  const shape = withHeadDimension({ ...SMALL, ...options.shape });
  const vocabulary = makeVocabulary();
  const silent = readable ? (piece: number) => vocabulary.kinds[piece] !== ORDINARY : () => false;
  const tensors = makeTensors({ shape, type, seed, pieces: vocabulary.pieces.length, silent });
  const description = 'Random weights: for tests only';
  const metadata = toLlamaMetadata({ name: 'random', description, type, shape, vocabulary, ...(pooling && { pooling }) });
  return {
    bytes: writeGguf(path, { metadata, tensors }),
    parameters: tensors.reduce((sum, tensor) => sum + countValues(tensor), 0),
  };
}

const withHeadDimension = (shape: Omit<LlamaShape, 'headDimension'> & Partial<LlamaShape>): LlamaShape => ({
  ...shape,
  headDimension: shape.headDimension ?? shape.dimension / shape.heads,
});

interface TensorOptions {
  readonly shape: LlamaShape;
  readonly type: TensorType;
  readonly seed: number;
  readonly pieces: number;
  /** Pieces whose logits are zero: some other's is always higher. */
  readonly silent: (piece: number) => boolean;
}

function makeTensors({ shape, type, seed, pieces, silent }: TensorOptions): Tensor[] {
  const random = makeRandom(seed);
  const matrix = (name: string, into: number, out: number, spread = 1 / Math.sqrt(into)): Tensor => ({
    name: `${name}.weight`,
    dimensions: [into, out],
    type,
    values: () => drawBell(random, into * out, spread),
  });
  const norm = (name: string): Tensor => ({
    name: `${name}.weight`,
    dimensions: [shape.dimension],
    type: 'f32',
    values: () => new Float32Array(shape.dimension).fill(1),
  });
  const layer = (index: number) => {
    const { dimension, heads, keyValueHeads, headDimension, feedForward } = shape;
    const block = `blk.${index}`;
    return [
      norm(`${block}.attn_norm`),
      matrix(`${block}.attn_q`, dimension, heads * headDimension),
      matrix(`${block}.attn_k`, dimension, keyValueHeads * headDimension),
      matrix(`${block}.attn_v`, dimension, keyValueHeads * headDimension),
      matrix(`${block}.attn_output`, heads * headDimension, dimension),
      norm(`${block}.ffn_norm`),
      matrix(`${block}.ffn_gate`, dimension, feedForward),
      matrix(`${block}.ffn_down`, feedForward, dimension),
      matrix(`${block}.ffn_up`, dimension, feedForward),
    ];
  };
  const layers = Array.from({ length: shape.layers }, (_, index) => layer(index)).flat();
  return [silence(matrix('token_embd', shape.dimension, pieces), silent), norm('output_norm'), ...layers];
}

/** The embeddings are also what logits are made of. */
const silence = (embeddings: Tensor, silent: (piece: number) => boolean): Tensor => ({
  ...embeddings,
  values: () => {
    const values = embeddings.values();
    const [dimension = 0, pieces = 0] = embeddings.dimensions;
    for (let piece = 0; piece < pieces; piece++) if (silent(piece)) values.fill(0, piece * dimension, (piece + 1) * dimension);
    return values;
  },
});

function main(): void {
  const flag = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      dimension: flag,
      layers: flag,
      heads: flag,
      'key-value-heads': flag,
      'head-dimension': flag,
      'feed-forward': flag,
      context: flag,
      type: flag,
      seed: flag,
    },
  });
  const [path] = positionals;
  if (path === undefined) throw new Error('Name the file to write: node models/random/make-random-model.ts OUT.gguf');
  const named = {
    dimension: values.dimension,
    layers: values.layers,
    heads: values.heads,
    keyValueHeads: values['key-value-heads'],
    headDimension: values['head-dimension'],
    feedForward: values['feed-forward'],
    contextLength: values.context,
  };
  const given = Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [[name, Number(value)] as const]));
  const type = toTensorType(values.type ?? 'f32');
  const { bytes, parameters } = makeRandomModel(path, { shape: Object.fromEntries(given), type, seed: Number(values.seed ?? 1) });
  console.log(`${path}: ${(bytes / 1e6).toFixed(2)} MB, ${(parameters / 1e6).toFixed(2)} million parameters`);
}

if (import.meta.main) main();
