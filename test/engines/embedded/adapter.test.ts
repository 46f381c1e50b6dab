/** A fine-tuned model is its base with an adapter: it must answer as the model would into whose weights the adapter was added. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readGguf, type StoredTensor } from '../../../models/gguf/read-gguf.ts';
import { writeGguf } from '../../../models/gguf/write-gguf.ts';
import { makeRandomAdapter } from '../../../models/random/make-random-adapter.ts';
import { openEmbeddedEngine } from '../../../src/engines/embedded/open-embedded.ts';
import { makeFolder } from '../../support/folder.ts';
import { readTickets, TICKETS_MODEL } from '../../support/models.ts';
import { askOne } from './ask.ts';

const ROWS = 8;
const Q8 = { values: 32, bytes: 34 };

/** The weights as numbers: as they stand, or a scale and 32 signed bytes a block. */
function numbersOf({ type, bytes }: StoredTensor): Float32Array {
  if (type === 'f32') return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const numbers = new Float32Array((bytes.length / Q8.bytes) * Q8.values);
  for (let block = 0; block < numbers.length / Q8.values; block++) {
    const at = block * Q8.bytes;
    const scale = new DataView(bytes.buffer, bytes.byteOffset).getFloat16(at, true);
    for (let value = 0; value < Q8.values; value++) numbers[block * Q8.values + value] = scale * bytes.readInt8(at + 2 + value);
  }
  return numbers;
}

/** W + B·A, whose scale is 1 where alpha is the rank. */
function add(weights: Float32Array, a: StoredTensor, b: StoredTensor): Float32Array {
  const [into = 0, rank = 0] = a.dimensions;
  const [down, up] = [numbersOf(a), numbersOf(b)];
  return weights.map((weight, at) => {
    const [row, column] = [Math.floor(at / into), at % into];
    let sum = weight;
    for (let step = 0; step < rank; step++) sum += (up[row * rank + step] ?? 0) * (down[step * into + column] ?? 0);
    return sum;
  });
}

/** The base as 32-bit numbers, with the adapter's in its weights where one is given. */
function writeWhole(path: string, adapter?: string): string {
  const { metadata, tensors } = readGguf(TICKETS_MODEL);
  const added = new Map(adapter === undefined ? [] : readGguf(adapter).tensors.map((tensor) => [tensor.name, tensor]));
  const whole = tensors.map((tensor) => {
    const [a, b] = [added.get(`${tensor.name}.lora_a`), added.get(`${tensor.name}.lora_b`)];
    const values = (): Float32Array => (a && b ? add(numbersOf(tensor), a, b) : numbersOf(tensor));
    return { name: tensor.name, dimensions: tensor.dimensions, type: 'f32' as const, values };
  });
  writeGguf(path, { metadata, tensors: whole });
  return path;
}

async function answersOf(modelPath: string, adapterPath?: string): Promise<readonly string[]> {
  const engine = await openEmbeddedEngine({
    modelPath,
    modelId: 'tickets',
    slots: ROWS,
    contextSize: 512,
    threads: 1,
    ...(adapterPath !== undefined && { adapterPath }),
  });
  onTestFinished(() => engine.close());
  const rows = readTickets().slice(0, ROWS);
  const answers = rows.map(({ body }) => askOne(engine, { ...body, model: 'tickets', temperature: 0, max_tokens: 40 }));
  return (await Promise.all(answers)).map(({ message }) => message.content);
}

test('an adapter answers as its base with the same numbers in its weights, and otherwise than the base alone', async () => {
  const dir = await makeFolder();
  const adapter = join(dir, 'adapter.gguf');
  makeRandomAdapter({ base: TICKETS_MODEL, path: adapter, strength: 1 });
  const base = writeWhole(join(dir, 'base.gguf'));
  const [alone, tuned, merged] = await Promise.all([
    answersOf(base),
    answersOf(base, adapter),
    answersOf(writeWhole(join(dir, 'merged.gguf'), adapter)),
  ]);
  expect(tuned).toEqual(merged);
  expect(tuned).not.toEqual(alone);
});
