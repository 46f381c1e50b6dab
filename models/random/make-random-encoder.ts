/**
 * Makes a BERT with random weights: an encoder, which looks at a whole text at once and makes one vector of it. For tests only, never for a vector's sense.
 *
 *   node models/random/make-random-encoder.ts OUT.gguf
 */
import { POOLINGS, type Pooling } from '../gguf/llama-metadata.ts';
import { f32, flag, list, type Metadata, text, u32 } from '../gguf/metadata.ts';
import { countValues, type Tensor, writeGguf } from '../gguf/write-gguf.ts';
import { makeRandom } from '../random-numbers.ts';
import { drawBell } from './draw-bell.ts';

export interface RandomEncoderOptions {
  readonly dimension?: number;
  readonly layers?: number;
  readonly heads?: number;
  readonly contextLength?: number;
  readonly seed?: number;
  /** How the vectors of its tokens become one; default their mean. Null: its file does not say. */
  readonly pooling?: Pooling | null;
}

const SMALL = { dimension: 64, layers: 2, heads: 4, contextLength: 128 };
const TOKEN_TYPES = 2;
const CONTROL = 3;
const ORDINARY = 1;
/** Whole words begin with it; what goes on inside a word does not. */
const SPACE = '\u2581';

/** Writes the model; the same options write the same bytes. */
export function makeRandomEncoder(path: string, options: RandomEncoderOptions = {}): { readonly parameters: number } {
  const { seed = 1, pooling = 'mean', ...given } = options;
  const shape = { ...SMALL, ...given };
  const pieces = makePieces();
  const tensors = makeTensors(shape, seed, pieces.length);
  writeGguf(path, { metadata: toMetadata(shape, pieces, pooling), tensors });
  return { parameters: tensors.reduce((sum, tensor) => sum + countValues(tensor), 0) };
}

type Shape = typeof SMALL;

const CONTROLS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/** Every printable character as a word and inside one, and some words. */
function makePieces(): readonly string[] {
  const characters = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).filter(
    (one) => one === one.toLowerCase(),
  );
  const words = 'the river tells what it has seen of a day and night'.split(' ').filter((word) => word.length > 1);
  return [...CONTROLS, ...characters, ...[...characters, ...words].map((piece) => SPACE + piece)];
}

function toMetadata(shape: Shape, pieces: readonly string[], pooling: Pooling | null): Metadata {
  return {
    'general.architecture': text('bert'),
    'general.name': text('random encoder'),
    'general.description': text('Random weights: for tests only'),
    'general.file_type': u32(0),
    'bert.context_length': u32(shape.contextLength),
    'bert.embedding_length': u32(shape.dimension),
    'bert.block_count': u32(shape.layers),
    'bert.feed_forward_length': u32(4 * shape.dimension),
    'bert.attention.head_count': u32(shape.heads),
    'bert.attention.layer_norm_epsilon': f32(1e-12),
    'bert.attention.causal': flag(false),
    ...(pooling === null ? {} : { 'bert.pooling_type': u32(POOLINGS[pooling]) }),
    'tokenizer.ggml.model': text('bert'),
    'tokenizer.ggml.pre': text('default'),
    'tokenizer.ggml.token_type_count': u32(TOKEN_TYPES),
    'tokenizer.ggml.tokens': list('string', pieces),
    'tokenizer.ggml.token_type': list(
      'i32',
      pieces.map((_, id) => (id < CONTROLS.length ? CONTROL : ORDINARY)),
    ),
    'tokenizer.ggml.padding_token_id': u32(0),
    'tokenizer.ggml.unknown_token_id': u32(1),
    'tokenizer.ggml.bos_token_id': u32(2),
    'tokenizer.ggml.cls_token_id': u32(2),
    // So it is spelled in the format.
    'tokenizer.ggml.seperator_token_id': u32(3),
    'tokenizer.ggml.mask_token_id': u32(4),
  };
}

function makeTensors({ dimension, layers, contextLength }: Shape, seed: number, pieces: number): Tensor[] {
  const random = makeRandom(seed);
  const tensor = (name: string, dimensions: readonly number[], values: () => Float32Array): Tensor => ({
    ...{ name, dimensions, type: 'f32' },
    values,
  });
  const matrix = (name: string, into: number, out: number): Tensor =>
    tensor(`${name}.weight`, [into, out], () => drawBell(random, into * out, 1 / Math.sqrt(into)));
  const bias = (name: string, size: number): Tensor => tensor(`${name}.bias`, [size], () => drawBell(random, size, 0.1));
  const linear = (name: string, into: number, out: number) => [matrix(name, into, out), bias(name, out)];
  const norm = (name: string) => [
    tensor(`${name}.weight`, [dimension], () => new Float32Array(dimension).fill(1)),
    bias(name, dimension),
  ];
  const layer = (index: number) => {
    const block = `blk.${index}`;
    return [
      ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].flatMap((name) => linear(`${block}.${name}`, dimension, dimension)),
      ...norm(`${block}.attn_output_norm`),
      ...linear(`${block}.ffn_up`, dimension, 4 * dimension),
      ...linear(`${block}.ffn_down`, 4 * dimension, dimension),
      ...norm(`${block}.layer_output_norm`),
    ];
  };
  return [
    matrix('token_embd', dimension, pieces),
    matrix('position_embd', dimension, contextLength),
    matrix('token_types', dimension, TOKEN_TYPES),
    ...norm('token_embd_norm'),
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
  ];
}

if (import.meta.main) {
  const [, , path] = process.argv;
  if (path === undefined) throw new Error('Name the file to write: node models/random/make-random-encoder.ts OUT.gguf');
  console.log(`${path}: ${(makeRandomEncoder(path).parameters / 1e6).toFixed(2)} million parameters`);
}
