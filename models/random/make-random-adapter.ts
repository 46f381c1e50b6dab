/**
 * Makes a LoRA adapter with random weights for a llama model: for tests of the adapter's way through the engine.
 *
 *   node models/random/make-random-adapter.ts BASE.gguf OUT.gguf [--rank 4] [--strength 1] [--seed 1]
 */
import { parseArgs } from 'node:util';
import { f32, readNumber, text } from '../gguf/metadata.ts';
import { readGguf } from '../gguf/read-gguf.ts';
import { type Tensor, writeGguf } from '../gguf/write-gguf.ts';
import { makeRandom } from '../random-numbers.ts';
import { drawBell } from './draw-bell.ts';

export interface RandomAdapterOptions {
  readonly base: string;
  readonly path: string;
  readonly rank?: number;
  /** How far the adapter turns the model's answers; 0 changes nothing. */
  readonly strength?: number;
  readonly seed?: number;
}

/** Writes an adapter for the query and value matrices of every layer and returns its size in bytes. */
export function makeRandomAdapter({ base, path, rank = 4, strength = 1, seed = 1 }: RandomAdapterOptions): number {
  const random = makeRandom(seed);
  const matrix = (name: string, dimensions: readonly [number, number], spread: number): Tensor => ({
    name,
    dimensions,
    type: 'f32',
    values: () => drawBell(random, dimensions[0] * dimensions[1], spread),
  });
  const tensors = adaptedMatrices(base).flatMap(({ name, into, out }) => [
    matrix(`${name}.lora_a`, [into, rank], 1 / Math.sqrt(into)),
    matrix(`${name}.lora_b`, [rank, out], strength),
  ]);
  const metadata = {
    'general.architecture': text('llama'),
    'general.type': text('adapter'),
    'general.name': text('random adapter'),
    'adapter.type': text('lora'),
    'adapter.lora.alpha': f32(rank),
  };
  return writeGguf(path, { metadata, tensors });
}

function adaptedMatrices(base: string) {
  const { metadata } = readGguf(base);
  const headDimension = readNumber(metadata, 'llama.rope.dimension_count');
  const into = readNumber(metadata, 'llama.embedding_length');
  return Array.from({ length: readNumber(metadata, 'llama.block_count') }).flatMap((_, layer) => [
    { name: `blk.${layer}.attn_q.weight`, into, out: headDimension * readNumber(metadata, 'llama.attention.head_count') },
    { name: `blk.${layer}.attn_v.weight`, into, out: headDimension * readNumber(metadata, 'llama.attention.head_count_kv') },
  ]);
}

function main(): void {
  const flag = { type: 'string' } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { rank: flag, strength: flag, seed: flag } });
  const [base, path] = positionals;
  if (base === undefined || path === undefined)
    throw new Error('Name two files: node models/random/make-random-adapter.ts BASE.gguf OUT.gguf');
  const given = Object.entries(values).map(([name, value]) => [name, Number(value)] as const);
  console.log(`${path}: ${makeRandomAdapter({ base, path, ...Object.fromEntries(given) })} bytes`);
}

if (import.meta.main) main();
