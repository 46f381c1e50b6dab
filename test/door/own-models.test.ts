/** Models that users bring: tried before they are READY, run by the embedded engine, in the precision that a job asks for. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readGguf } from '../../models/gguf/read-gguf.ts';
import { writeGguf } from '../../models/gguf/write-gguf.ts';
import { makeRandomAdapter } from '../../models/random/make-random-adapter.ts';
import { makeRandomModel } from '../../models/random/make-random-model.ts';
import { makeFolder } from '../support/folder.ts';
import { readTickets, TICKETS_MODEL } from '../support/models.ts';
import { type Reply, type Server, startServer } from './server.ts';

const TIMEOUT_MS = 240_000;
const SHAPE = { dimension: 64, layers: 1, heads: 2, keyValueHeads: 1, feedForward: 64, contextLength: 512 };
const BASE = { kind: 'HF_BASE_MODEL', baseModelDetails: { checkpointFormat: 'NATIVE' } };

let dir: string;
let server: Server;
const begin = async (): Promise<void> => {
  dir = await makeFolder();
  server = await startServer(dir);
};

/** Sends files and asks whether they make a model. */
async function sendModel(
  modelId: string,
  model: object,
  files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>,
): Promise<Reply> {
  const made = await server.ask('POST', 'models', { modelId, model });
  expect(made).toMatchObject({ status: 200 });
  const filenameToSize = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, String(bytes.length)]));
  const { body } = await server.ask('POST', `models/${modelId}:getUploadEndpoint`, { filenameToSize });
  for (const [name, bytes] of Object.entries(files)) {
    const put = await fetch(body.filenameToSignedUrls[name], { method: 'PUT', body: bytes });
    expect(put.status).toBe(200);
  }
  return server.ask('GET', `models/${modelId}:validateUpload`);
}

const bytesOf = (path: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(path));

async function runTickets(id: string, wish: object): Promise<Reply> {
  const job = await server.createJob(id, {
    inputDatasetId: 'tickets-in',
    inferenceParameters: { maxTokens: 24, temperature: 0 },
    ...wish,
  });
  const ended = await server.waitForJob(id, ({ state }: Reply) => /COMPLETED|FAILED|EXPIRED/.test(state));
  const dataset = ended.outputDatasetId.split('/').at(-1);
  const { body } = await server.ask('GET', `datasets/${dataset}:getDownloadEndpoint`);
  const url = Object.entries<string>(body.filenameToSignedUrls).find(([name]) => name.endsWith('BIJOutputSet.jsonl'))?.[1] ?? '';
  const rows = (await (await fetch(url)).text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { job, ended, answers: rows.map(({ response }: Reply) => response.choices[0].message.content) };
}

test(
  'a model of two files runs in either precision, an addon on it answers otherwise, and what it is not in is refused',
  async () => {
    await begin();
    const tickets = readTickets().slice(0, 4);
    await server.upload(
      'tickets-in',
      tickets.map(({ customId, body }) => `${JSON.stringify({ custom_id: customId, body })}\n`).join(''),
    );
    const half = join(dir, 'half.gguf');
    makeRandomModel(half, { type: 'f16', shape: SHAPE });
    const quarter = join(dir, 'quarter.gguf');
    makeRandomModel(quarter, { type: 'q8_0', shape: SHAPE, seed: 2 });
    const files = { 'm-f16.gguf': bytesOf(half), 'm-q8_0.gguf': bytesOf(quarter) };
    expect(await sendModel('both', BASE, files)).toEqual({ status: 200, body: { warnings: [] } });
    const { body: both } = await server.ask('GET', 'models/both');
    expect(both).toMatchObject({ state: 'READY', supportsServerless: true, precisions: ['FP16', 'Q8_0'], contextLength: 512 });
    expect(both.baseModelDetails).toMatchObject({ defaultPrecision: 'FP16', modelType: 'llama' });
    expect(both.conversationConfig.style).toBe('jinja');

    const usual = await runTickets('usual', { model: 'both' });
    const other = await runTickets('other', { model: 'both', precision: 'Q8_0' });
    expect([usual.ended.state, usual.job.precision, other.ended.state, other.job.precision]).toEqual([
      ...['JOB_STATE_COMPLETED', 'FP16', 'JOB_STATE_COMPLETED', 'Q8_0'],
    ]);
    expect(other.ended).toMatchObject({ precision: 'Q8_0', model: both.name });
    // The two files have other weights: each job was answered by its own.
    expect(other.answers).not.toEqual(usual.answers);

    const refused = await server.ask('POST', 'batchInferenceJobs', {
      inputDatasetId: 'tickets-in',
      model: 'both',
      precision: 'FP8',
    });
    expect(refused.body.details[0].reason).toBe('PRECISION_NOT_SERVED');
    expect(refused.body.message).toContain('is served in FP16, Q8_0, not in FP8');

    const addon = join(dir, 'addon.gguf');
    makeRandomAdapter({ base: TICKETS_MODEL, path: addon, strength: 4 });
    const peft = (baseModel: string) => ({
      kind: 'HF_PEFT_ADDON',
      peftDetails: { baseModel, r: 4, targetModules: ['q_proj', 'v_proj'] },
    });
    const odd = await sendModel('odd-addon', peft('both'), { 'a.gguf': bytesOf(addon) });
    expect([odd.status, odd.body.details[0].reason]).toEqual([400, 'MODEL_FILE_INVALID']);
    const lost = await sendModel('lost-addon', peft('nowhere'), { 'a.gguf': bytesOf(addon) });
    expect(lost.body.details[0].reason).toBe('BASE_MODEL_NOT_HERE');
    const good = await sendModel('addon', peft('accounts/fireworks/models/tickets'), { 'a.gguf': bytesOf(addon) });
    expect(good).toEqual({ status: 200, body: { warnings: [] } });
    const base = await runTickets('base', { model: 'tickets' });
    const tuned = await runTickets('tuned', { model: 'addon' });
    expect([base.ended.state, tuned.ended.state]).toEqual(['JOB_STATE_COMPLETED', 'JOB_STATE_COMPLETED']);
    expect(tuned.answers).not.toEqual(base.answers);
  },
  TIMEOUT_MS,
);

test(
  'what no engine could run is refused with a sentence, and the server goes on',
  async () => {
    await begin();
    const whole = await readFile(TICKETS_MODEL);
    const { metadata, tensors } = readGguf(TICKETS_MODEL);
    const rewritten = (name: string, content: Parameters<typeof writeGguf>[1]): Uint8Array<ArrayBuffer> => {
      writeGguf(join(dir, name), content);
      return bytesOf(join(dir, name));
    };
    const asNumbers = (fill: (values: Float32Array) => void) =>
      tensors.map(({ name, dimensions }) => ({
        name,
        dimensions,
        type: 'f32' as const,
        values: () => {
          const values = new Float32Array(dimensions.reduce((product, size) => product * size, 1)).fill(0.01);
          fill(values);
          return values;
        },
      }));
    const keyless = Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== 'llama.block_count'));
    const lone = join(dir, 'lone.gguf');
    makeRandomAdapter({ base: TICKETS_MODEL, path: lone });
    const bad: Readonly<Record<string, readonly [Uint8Array<ArrayBuffer>, RegExp]>> = {
      junk: [
        new Uint8Array(Buffer.from('<html>Sign in to download</html>')),
        /m\.gguf can't be run: it does not begin with "GGUF"/,
      ],
      cut: [new Uint8Array(whole.subarray(0, 500_000)), /it was cut off: it has 500000 of \d+ bytes/],
      keyless: [rewritten('keyless.gguf', { metadata: keyless, tensors: asNumbers(() => {}) }), /m\.gguf/],
      nan: [rewritten('nan.gguf', { metadata, tensors: asNumbers((values) => values.fill(Number.NaN)) }), /weights are broken/],
      adapter: [bytesOf(lone), /it is a LoRA adapter/],
    };
    for (const [name, [bytes, words]] of Object.entries(bad)) {
      const { status, body } = await sendModel(`bad-${name}`, BASE, { 'm.gguf': bytes });
      expect([name, status, body.details[0].reason]).toEqual([name, 400, 'MODEL_FILE_INVALID']);
      expect(body.message).toMatch(words);
      expect(body.message).not.toContain(dir);
      expect((await server.ask('GET', `models/bad-${name}`)).body.state).toBe('UPLOADING');
    }
    const early = await server.ask('POST', 'batchInferenceJobs', { inputDatasetId: 'tickets-in', model: 'bad-nan' });
    expect(early.body.details[0].reason).toBe('MODEL_NOT_READY');

    // A folder of Hugging Face is fine, and for another engine.
    const folder = {
      'config.json': new Uint8Array(Buffer.from('{"model_type":"llama","max_position_embeddings":4096}')),
      'model.safetensors': new Uint8Array(64),
    };
    const kept = await sendModel('folder', { ...BASE, baseModelDetails: { checkpointFormat: 'HUGGINGFACE' } }, folder);
    expect(kept.status).toBe(200);
    const refused = await server.ask('POST', 'batchInferenceJobs', { inputDatasetId: 'tickets-in', model: 'folder' });
    expect(refused.body.details[0].reason).toBe('MODEL_NOT_SERVED');
    expect(refused.body.message).toContain('vLLM');
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  },
  TIMEOUT_MS,
);
