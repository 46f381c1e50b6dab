/** Models that make vectors: what they answer, held against the same weights pooled in other ways, and what they refuse. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Pooling } from '../../../models/gguf/llama-metadata.ts';
import { readGguf } from '../../../models/gguf/read-gguf.ts';
import { writeGguf } from '../../../models/gguf/write-gguf.ts';
import { makeRandomEncoder } from '../../../models/random/make-random-encoder.ts';
import { makeRandomModel } from '../../../models/random/make-random-model.ts';
import type { KeptChildOptions } from '../../../src/engines/embedded/kept-child.ts';
import { openEmbeddedEngine } from '../../../src/engines/embedded/open-embedded.ts';
import { startChild } from '../../../src/engines/embedded/start-child.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { ask, COMPLETIONS, saying } from './ask.ts';

const EMBEDDINGS = '/v1/embeddings';
const WIDTH = 64;
const CONTEXT = 128;

interface Reply {
  readonly object: string;
  readonly model: string;
  readonly data: readonly { readonly object: string; readonly index: number; readonly embedding: readonly number[] & string }[];
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number };
  readonly error: { readonly message: string; readonly code: string; readonly param: string };
}

const folder = mkdtempSync(join(tmpdir(), 'boatload-embeddings-'));
let engine: Engine;

const make = (name: string, pooling: Pooling | undefined): string => {
  const path = join(folder, `${name}.gguf`);
  const shape = { dimension: WIDTH, feedForward: 96, layers: 3, contextLength: CONTEXT };
  makeRandomModel(path, { shape, ...(pooling && { pooling }) });
  return path;
};
const open = (modelPath: string, others: Partial<KeptChildOptions> = {}): Promise<Engine> =>
  openEmbeddedEngine({ modelPath, modelId: 'vectors', threads: 1, ...others });

beforeAll(async () => {
  engine = await open(make('mean', 'mean'));
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

async function embed(body: object, of = engine): Promise<{ readonly status: number; readonly body: Reply }> {
  const { status, body: reply } = await ask(of, body, EMBEDDINGS);
  return { status, body: reply as unknown as Reply }; // another shape of reply than chat's
}
async function vectorsOf(input: unknown, of = engine): Promise<readonly (readonly number[])[]> {
  const { status, body } = await embed({ input }, of);
  if (status !== 200) throw new Error(body.error.message);
  expect(body.data.map(({ index }) => index)).toEqual(body.data.map((_, at) => at));
  return body.data.map(({ embedding }) => embedding);
}
const vectorOf = async (input: unknown, of = engine): Promise<readonly number[]> => (await vectorsOf(input, of))[0] ?? [];
const apart = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, at) => Math.abs(value - (b[at] ?? Number.NaN))));

const TEXTS = Array.from({ length: 24 }, (_, at) => `${at}: ${'what the river tells '.repeat(1 + (at % 4))}`);

test('a text has one vector, alone, in a list and beside others; another text has another', async () => {
  const together = await vectorsOf(TEXTS);
  const beside = await Promise.all(TEXTS.map((one) => vectorOf(one)));
  expect(together.map(({ length }) => length)).toEqual(TEXTS.map(() => WIDTH));
  expect(beside).toEqual(together);
  expect(new Set(together.map((vector) => JSON.stringify(vector))).size).toBe(TEXTS.length);
  expect(await vectorOf(TEXTS[5])).toEqual(together[5]);
});

test('the mean is that of the vectors of all tokens, cls the vector of the first, last that of the last', async () => {
  const last = await open(make('last', 'last'));
  const cls = await open(make('cls', 'cls'));
  onTestFinished(async () => void (await Promise.all([last.close(), cls.close()])));
  const tokens = [300, 301, 340, 290, 288];
  // A causal model's vector of a token is that of the text that ends with it.
  const ends = await vectorsOf(
    tokens.map((_, at) => tokens.slice(0, at + 1)),
    last,
  );
  const mean = Array.from({ length: WIDTH }, (_, at) => ends.reduce((sum, vector) => sum + (vector[at] ?? 0), 0) / tokens.length);
  expect(apart(await vectorOf(tokens), mean)).toBeLessThan(1e-4);
  expect(apart(await vectorOf(tokens, cls), ends[0] ?? [])).toBeLessThan(1e-4);
  expect(apart(ends[0] ?? [], ends[4] ?? [])).toBeGreaterThan(0.1);
});

test('usage counts the tokens of all inputs, and what is counted before is the longest of them', async () => {
  const tokens = [
    [300, 301, 302],
    [303, 304],
  ];
  const { body } = await embed({ input: tokens, model: 'vectors' });
  expect(body).toMatchObject({ object: 'list', model: 'vectors', usage: { prompt_tokens: 5, total_tokens: 5 } });
  const counted = await engine.countPrompt?.(
    { path: EMBEDDINGS, body: [Buffer.from(JSON.stringify({ input: tokens }))] },
    new AbortController().signal,
  );
  expect(counted).toEqual({ tokens: 3, contextLength: CONTEXT, fits: true });
  const one = await embed({ input: 'a text' });
  const twice = await embed({ input: ['a text', 'a text'] });
  expect(twice.body.usage.prompt_tokens).toBe(2 * one.body.usage.prompt_tokens);
  expect(one.body.usage.prompt_tokens).toBeGreaterThan(0);
});

test('base64 holds the same numbers in single precision, and a normal vector points where the other one does', async () => {
  const plain = await vectorOf('a text');
  const { body: coded } = await embed({ input: 'a text', encoding_format: 'base64' });
  const bytes = Buffer.from(coded.data[0]?.embedding ?? '', 'base64');
  const unpacked = Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(4 * at));
  expect(unpacked).toEqual(plain.map(Math.fround));
  const { body } = await embed({ input: 'a text', normalize: true });
  const normal = body.data[0]?.embedding ?? [];
  const length = Math.hypot(...plain);
  expect(Math.abs(length - 1)).toBeGreaterThan(0.01);
  expect(Math.hypot(...normal)).toBeCloseTo(1, 6);
  expect(
    apart(
      plain,
      normal.map((value) => value * length),
    ),
  ).toBeLessThan(1e-6);
});

test('an input as long as the context is embedded; a longer one is refused, and costs no other row', async () => {
  const long = (length: number) => Array.from({ length }, (_, at) => 300 + (at % 50));
  const [fits, refused, other] = await Promise.all([
    embed({ input: long(CONTEXT) }),
    embed({ input: ['short', long(CONTEXT + 1)] }),
    embed({ input: 'short' }),
  ]);
  expect([fits.status, fits.body.usage.prompt_tokens, other.status]).toEqual([200, CONTEXT, 200]);
  expect([refused.status, refused.body.error]).toMatchObject([
    400,
    {
      code: 'context_length_exceeded',
      param: 'input',
      message: expect.stringContaining(`${CONTEXT + 1} tokens, but the context holds ${CONTEXT}`),
    },
  ]);
  // Its last token counts: nothing was cut off.
  expect(await vectorOf(long(CONTEXT))).not.toEqual(await vectorOf([...long(CONTEXT - 1), 299]));
});

test('an encoder looks at the whole text, between the marks that it wants; as long as its context is long enough', async () => {
  const path = join(folder, 'encoder.gguf');
  makeRandomEncoder(path, { dimension: WIDTH, contextLength: CONTEXT });
  const encoder = await open(path);
  onTestFinished(() => encoder.close());
  const texts = TEXTS.map((one) => one.slice(0, 40));
  const together = await vectorsOf(texts, encoder);
  expect(await Promise.all(texts.map((one) => vectorOf(one, encoder)))).toEqual(together);
  expect(new Set(together.map((vector) => JSON.stringify(vector))).size).toBe(texts.length);
  const { body } = await embed({ input: 'the river' }, encoder);
  expect(body.usage.prompt_tokens).toBe(4);
  // Its first token knows of its last one.
  const cls = join(folder, 'encoder-cls.gguf');
  makeRandomEncoder(cls, { dimension: WIDTH, contextLength: CONTEXT, pooling: 'cls' });
  const first = await open(cls);
  onTestFinished(() => first.close());
  expect(apart(await vectorOf('the river', first), await vectorOf('the night', first))).toBeGreaterThan(1e-3);
  const [whole, longer] = await Promise.all([
    embed({ input: 'a '.repeat(CONTEXT - 2) }, encoder),
    embed({ input: 'a '.repeat(CONTEXT - 1) }, encoder),
  ]);
  expect([whole.status, whole.body.usage.prompt_tokens, longer.status]).toEqual([200, CONTEXT, 400]);
});

test.each([
  ['input', ''],
  ['input', []],
  ['input', ['a', '']],
  ['input', [1_000_000]],
  ['input', ['a', 3]],
  ['input', { text: 'a' }],
  ['input', undefined],
  ['dimensions', WIDTH / 2],
  ['dimensions', '64'],
  ['encoding_format', 'hex'],
  ['normalize', 'yes'],
  ['prompt_template', '{{text}}'],
  ['prompt_cache_isolation_key', 'k'],
  ['temperature', 0],
  ['stream', true],
  ['model', 'another'],
])('%s: %j is refused by its name', async (name, value) => {
  const { status, body } = await embed({ input: 'a text', [name]: value });
  expect([status, body.error.param]).toEqual([name === 'model' ? 404 : 400, name]);
});

test('what has no meaning here is let pass, as are values that ask for what is done anyway', async () => {
  const others = { user: 'u', metadata: { a: '1' }, service_tier: 'auto', prompt_cache_key: 'k', dimensions: WIDTH };
  const { status, body } = await embed({ input: 'a text', ...others, encoding_format: 'float', normalize: null });
  expect([status, body.data[0]?.embedding]).toEqual([200, await vectorOf('a text')]);
});

test('each kind of model says what it answers, and refuses the other kind of request', async () => {
  const writer = await open(make('writer', undefined));
  onTestFinished(() => writer.close());
  expect((await engine.models())[0]).toMatchObject({ id: 'vectors', paths: [EMBEDDINGS], contextLength: CONTEXT });
  expect((await writer.models())[0]?.paths).toEqual(['/v1/chat/completions', COMPLETIONS]);
  const chat = await ask(engine, saying('Hi'));
  expect([chat.status, chat.body.error.message]).toEqual([404, expect.stringContaining('answers POST /v1/embeddings.')]);
  const vectors = await embed({ input: 'a text' }, writer);
  expect([vectors.status, vectors.body.error.message]).toEqual([
    404,
    expect.stringContaining('answers POST /v1/chat/completions and /v1/completions.'),
  ]);
});

test('it leaves the memory while nobody asks it, and answers as before when it is back', async () => {
  const idle = await open(make('idle', 'mean'), { unloadIdleMs: 200 });
  onTestFinished(() => idle.close());
  const before = await vectorOf(TEXTS[3], idle);
  await expect.poll(() => idle.isUnloaded, { timeout: 20_000 }).toBe(true);
  expect(await vectorOf(TEXTS[3], idle)).toEqual(before);
  expect(before).toEqual(await vectorOf(TEXTS[3]));
});

test('who leaves is worked for no more, and what was made is counted', async () => {
  const child = await startChild({ modelPath: make('counted', 'mean'), modelId: 'vectors', slots: 1, threads: 1, maxWaiting: 8 });
  onTestFinished(() => child.stop());
  const figure = async (name: string): Promise<number> => {
    const told = await (await fetch(`${child.baseUrl.replace(/\/v1$/, '')}/metrics`)).text();
    return Number(new RegExp(`^boatload_engine_${name} (\\d+)$`, 'm').exec(told)?.[1]);
  };
  const ask = async (input: unknown, signal?: AbortSignal): Promise<number> => {
    const asked = { method: 'POST', body: JSON.stringify({ input }), ...(signal && { signal }) };
    const reply = (await (await fetch(`${child.baseUrl}/embeddings`, asked)).json()) as Reply;
    return reply.usage.prompt_tokens;
  };
  const text = 'the river '.repeat(8);
  const one = await ask(text);
  const counted = await figure('prompt_tokens_total');
  expect([await ask([text, text]), (await figure('prompt_tokens_total')) - counted]).toEqual([2 * one, 2 * one]);
  const leaving = new AbortController();
  const left = ask(Array(2_000).fill(text), leaving.signal);
  await expect.poll(() => figure('requests_waiting'), { timeout: 20_000, interval: 1 }).toBeGreaterThan(0);
  leaving.abort();
  await expect(left).rejects.toThrow();
  await expect.poll(() => figure('requests_waiting'), { timeout: 20_000 }).toBe(0);
  expect(await figure('prompt_tokens_total')).toBeLessThan(1_000 * one);
});

test('more texts than a request may have are refused, and so many are answered', async () => {
  const tokens = (count: number) => Array.from({ length: count }, () => [300]);
  expect((await vectorsOf(tokens(2_048))).length).toBe(2_048);
  const { status, body } = await embed({ input: tokens(150_000) });
  expect([status, body.error]).toMatchObject([400, { param: 'input', message: expect.stringContaining('at most 2048 texts') }]);
});

test('a context is as long as the memory allows in one slot, and never longer than the model was made for', async () => {
  const path = join(folder, 'long.gguf');
  makeRandomEncoder(path, { dimension: 384, heads: 12, contextLength: 2_048 });
  const tight = await open(path, { memoryBytes: 100e6 });
  onTestFinished(() => tight.close());
  expect([(await tight.models())[0]?.contextLength, tight.slots]).toEqual([2_048, 1]);
  const roomy = await open(path, { contextSize: 4_096 });
  onTestFinished(() => roomy.close());
  expect([(await roomy.models())[0]?.contextLength, roomy.slots]).toEqual([2_048, 2]);
});

const rewritten = (name: string, { metadata = {}, fill }: { metadata?: object; fill?: number }): string => {
  const whole = readGguf(make(name, 'mean'));
  const tensors = whole.tensors.map(({ name: tensor, dimensions, bytes }) => ({
    ...{ name: tensor, dimensions, type: 'f32' as const },
    values: () => {
      const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
      return fill === undefined ? values : values.fill(fill);
    },
  }));
  const path = join(folder, `${name}-rewritten.gguf`);
  writeGguf(path, { metadata: { ...whole.metadata, ...metadata }, tensors });
  return path;
};

test('what can make no vectors is refused with a sentence', async () => {
  await expect(open(make('rank', 'rank'))).rejects.toMatchObject({
    reason: 'MODEL_FILE_INVALID',
    message: expect.stringContaining('ranks documents'),
  });
  const silent = join(folder, 'silent.gguf');
  makeRandomEncoder(silent, { pooling: null });
  await expect(open(silent)).rejects.toMatchObject({
    reason: 'MODEL_FILE_INVALID',
    message: expect.stringContaining('pooling type'),
  });
  for (const fill of [Number.NaN, 0])
    await expect(open(rewritten(`filled-${fill}`, { fill }))).rejects.toMatchObject({
      reason: 'MODEL_FILE_INVALID',
      message: expect.stringContaining('weights are broken'),
    });
  await expect(open(make('adapted', 'mean'), { adapterPath: join(folder, 'any.gguf') })).rejects.toMatchObject({
    reason: 'MODEL_FILE_INVALID',
    message: expect.stringContaining('LoRA adapters'),
  });
  await expect(open(make('huge', 'mean'), { memoryBytes: 1e6 })).rejects.toMatchObject({ reason: 'MODEL_TOO_LARGE' });
});
