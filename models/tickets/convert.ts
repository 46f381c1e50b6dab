/**
 * Turns what train.py saved into a GGUF file.
 *
 *   node models/tickets/convert.ts CHECKPOINT OUT.gguf [q8_0|f16|f32|q4_0]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LlamaShape, toLlamaMetadata, type Vocabulary } from '../gguf/llama-metadata.ts';
import { type TensorType, toTensorType } from '../gguf/tensor-types.ts';
import { type Tensor, writeGguf } from '../gguf/write-gguf.ts';

/** `model.json` of a checkpoint; the numbers of its tensors follow one another in `weights.f32`. */
interface Checkpoint {
  readonly shape: LlamaShape;
  readonly vocabulary: Vocabulary;
  /** Dimensions in PyTorch's order, and the first byte. */
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly start: number }[];
}

/** Writes the model and returns its size in bytes. The output matrix is absent: it is the embedding's. */
export function convertCheckpoint(checkpoint: string, path: string, type: TensorType = 'q8_0'): number {
  const { shape, vocabulary, tensors } = JSON.parse(readFileSync(join(checkpoint, 'model.json'), 'utf8')) as Checkpoint;
  const weights = readFileSync(join(checkpoint, 'weights.f32'));
  const metadata = toLlamaMetadata({ name: 'tickets', description: DESCRIPTION, type, shape, vocabulary });
  return writeGguf(path, { metadata, tensors: tensors.map((tensor) => toTensor(tensor, weights, type)) });
}

const DESCRIPTION = 'Classifies short English support tickets into JSON; trained from scratch on synthetic text';

/** Vectors are norms, and engines want those in full. */
function toTensor({ name, shape, start }: Checkpoint['tensors'][number], weights: Buffer, type: TensorType): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = () => new Float32Array(new Uint8Array(weights.subarray(start, start + 4 * count)).buffer);
  return { name, dimensions: shape.toReversed(), type: shape.length === 1 ? 'f32' : type, values };
}

if (import.meta.main) {
  const [checkpoint, path, type = 'q8_0'] = process.argv.slice(2);
  if (checkpoint === undefined || path === undefined)
    throw new Error('Name them: node models/tickets/convert.ts CHECKPOINT OUT.gguf [TYPE]');
  console.log(`${path}: ${convertCheckpoint(checkpoint, path, toTensorType(type))} bytes`);
}
