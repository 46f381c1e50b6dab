/** The metadata of a llama model with a SentencePiece-like vocabulary and ChatML as its chat format. */

import { f32, flag, list, type Metadata, text, u32 } from './metadata.ts';
import { FILE_TYPES, type TensorType } from './tensor-types.ts';

export interface LlamaShape {
  readonly dimension: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDimension: number;
  readonly feedForward: number;
  readonly contextLength: number;
}

/** Pieces by id. Kinds are llama.cpp's: 1 ordinary, 2 unknown, 3 control, 6 byte. Higher scores merge first. */
export interface Vocabulary {
  readonly pieces: readonly string[];
  readonly scores: readonly number[];
  readonly kinds: readonly number[];
  readonly startId: number;
  readonly endId: number;
  readonly unknownId: number;
}

export interface LlamaDescription {
  readonly name: string;
  readonly description: string;
  readonly type: TensorType;
  readonly shape: LlamaShape;
  readonly vocabulary: Vocabulary;
  /** How the vectors of its tokens become one; absent in a model that writes. */
  readonly pooling?: Pooling;
}

/** By llama.cpp's numbers. */
export const POOLINGS = { none: 0, mean: 1, cls: 2, last: 3, rank: 4 } as const;
export type Pooling = keyof typeof POOLINGS;

/** ChatML, in the very words by which engines recognise it. */
const CHATML =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** Everything a llama engine needs to know beside the tensors. */
export function toLlamaMetadata({ name, description, type, shape, vocabulary, pooling }: LlamaDescription): Metadata {
  return {
    'general.architecture': text('llama'),
    'general.name': text(name),
    'general.description': text(description),
    'general.license': text('apache-2.0'),
    'general.file_type': u32(FILE_TYPES[type]),
    'general.quantization_version': u32(2),
    'llama.vocab_size': u32(vocabulary.pieces.length),
    'llama.context_length': u32(shape.contextLength),
    'llama.embedding_length': u32(shape.dimension),
    'llama.block_count': u32(shape.layers),
    'llama.feed_forward_length': u32(shape.feedForward),
    'llama.attention.head_count': u32(shape.heads),
    'llama.attention.head_count_kv': u32(shape.keyValueHeads),
    'llama.attention.key_length': u32(shape.headDimension),
    'llama.attention.value_length': u32(shape.headDimension),
    'llama.attention.layer_norm_rms_epsilon': f32(1e-5),
    'llama.rope.dimension_count': u32(shape.headDimension),
    'llama.rope.freq_base': f32(10_000),
    ...(pooling === undefined ? {} : { 'llama.pooling_type': u32(POOLINGS[pooling]) }),
    ...toTokenizerMetadata(vocabulary),
  };
}

/** No piece is added in front: the chat format says all. */
const toTokenizerMetadata = (vocabulary: Vocabulary): Metadata => ({
  'tokenizer.ggml.model': text('llama'),
  'tokenizer.ggml.pre': text('default'),
  'tokenizer.ggml.tokens': list('string', vocabulary.pieces),
  'tokenizer.ggml.scores': list('f32', vocabulary.scores),
  'tokenizer.ggml.token_type': list('i32', vocabulary.kinds),
  'tokenizer.ggml.bos_token_id': u32(vocabulary.startId),
  'tokenizer.ggml.eos_token_id': u32(vocabulary.endId),
  'tokenizer.ggml.unknown_token_id': u32(vocabulary.unknownId),
  'tokenizer.ggml.add_bos_token': flag(false),
  'tokenizer.ggml.add_eos_token': flag(false),
  'tokenizer.ggml.add_space_prefix': flag(false),
  'tokenizer.chat_template': text(CHATML),
});
