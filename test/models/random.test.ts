import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getLlama, type Llama, LlamaLogLevel, type LlamaModel } from 'node-llama-cpp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRandomAdapter } from '../../models/random/make-random-adapter.ts';
import { makeRandomModel } from '../../models/random/make-random-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'boatload-random-'));
const base = join(folder, 'base.gguf');
const adapter = join(folder, 'adapter.gguf');
let llama: Llama;

beforeAll(async () => {
  makeRandomModel(base, { type: 'f32' });
  makeRandomAdapter({ base, path: adapter });
  llama = await getLlama({ build: 'never', gpu: false, logLevel: LlamaLogLevel.error });
});

afterAll(async () => {
  await llama.dispose();
  rmSync(folder, { recursive: true });
});

test('the same seed makes the same model, another seed another', () => {
  const [same, other] = [join(folder, 'same.gguf'), join(folder, 'other.gguf')];
  makeRandomModel(same, { type: 'f32' });
  makeRandomModel(other, { type: 'f32', seed: 2 });
  expect(readFileSync(same).equals(readFileSync(base))).toBe(true);
  expect(readFileSync(other).equals(readFileSync(base))).toBe(false);
});

test.each(['f32', 'f16', 'q8_0', 'q4_0'] as const)('llama.cpp loads and runs a random model of type %s', async (type) => {
  const path = join(folder, `${type}.gguf`);
  makeRandomModel(path, { type });
  const model = await llama.loadModel({ modelPath: path });
  expect(await generate(model)).toHaveLength(8);
  await model.dispose();
});

test('text survives the vocabulary of the random model', async () => {
  const model = await llama.loadModel({ modelPath: base });
  const text = 'hello world: 100 % Zoë 🙂';
  const tokens = model.tokenize(text);
  expect(model.detokenize(tokens)).toBe(text);
  expect(tokens.length).toBeLessThan(text.length);
  await model.dispose();
});

test('an adapter changes what its model says, and one without strength does not', async () => {
  const idle = join(folder, 'idle.gguf');
  makeRandomAdapter({ base, path: idle, strength: 0 });
  const model = await llama.loadModel({ modelPath: base });
  const plain = await generate(model);
  expect(await generate(model, idle)).toEqual(plain);
  expect(await generate(model, adapter)).not.toEqual(plain);
  await model.dispose();
});

/** The first eight tokens after a fixed prompt, always the likeliest. */
async function generate(model: LlamaModel, lora?: string): Promise<number[]> {
  const context = await model.createContext({ contextSize: 64, threads: 1, ...(lora === undefined ? {} : { lora }) });
  const tokens: number[] = [];
  for await (const token of context.getSequence().evaluate(model.tokenize('tell the story of the river'), { temperature: 0 })) {
    if (tokens.push(token) === 8) break;
  }
  await context.dispose();
  return tokens;
}
