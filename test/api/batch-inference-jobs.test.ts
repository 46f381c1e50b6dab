import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDoor } from './door.ts';

const JOBS = '/v1/accounts/acme/batchInferenceJobs';
let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
  await door.makeDataset('in');
});
afterAll(() => door.close());

const create = (body: object, id?: string) =>
  door.askJson(id === undefined ? JOBS : `${JOBS}?batchInferenceJobId=${id}`, { body });
const minimal = { model: 'tickets', inputDatasetId: 'in' };
const refusal = (code: number, reason: string, message: unknown = expect.any(String)) => ({
  code,
  message,
  details: [expect.objectContaining({ reason, domain: 'boatload' })],
});

test('a job is answered at once with every field, in VALIDATING', async () => {
  const created = await create(
    {
      model: 'accounts/fireworks/models/tickets',
      inputDatasetId: 'accounts/acme/datasets/in',
      inferenceParameters: { maxTokens: 256, temperature: 0, extraBody: '{"stop":["x"]}' },
      systemPrompt: 'Be brief.',
      displayName: 'Nightly',
    },
    'nightly-0142',
  );
  expect(created).toEqual({
    status: 200,
    body: {
      name: 'accounts/acme/batchInferenceJobs/nightly-0142',
      displayName: 'Nightly',
      createdBy: 'acme@example.test',
      createTime: '2026-01-05T02:00:00.000Z',
      updateTime: '2026-01-05T02:00:00.000Z',
      expireTime: '2026-01-06T02:00:00.000Z',
      maxJobDuration: null,
      state: 'JOB_STATE_VALIDATING',
      status: { code: 'OK', message: '' },
      model: 'accounts/boatload/models/tickets',
      inputDatasetId: 'accounts/acme/datasets/in',
      outputDatasetId: expect.stringMatching(/^accounts\/acme\/datasets\/bij-[a-z0-9]{8}$/),
      inferenceParameters: { extraBody: '{"stop":["x"]}', maxTokens: 256, temperature: 0 },
      precision: 'BF16',
      systemPrompt: 'Be brief.',
      continuedFromJobName: '',
      jobProgress: null,
      lifecycle: null,
      placement: null,
      waitingOnCapacity: false,
      onInvalidRow: 'fail',
      askIdenticalRowsOnce: false,
      forecast: null,
      stateReason: 'Its input is being checked.',
    },
  });
  expect(await door.askJson(`${JOBS}/nightly-0142`)).toEqual(created);
});

test('the smallest request gets generated names and empty parameters', async () => {
  const { body } = await create(minimal);
  expect(body.name).toMatch(/^accounts\/acme\/batchInferenceJobs\/[a-z][a-z0-9]{9}$/);
  expect(body.inferenceParameters).toEqual({ extraBody: '{}' });
  expect((await door.askJson(`/v1/${body.outputDatasetId}`)).status).toBe(404);
});

test('snake_case bodies, both query casings and a window of its own are taken', async () => {
  const { body } = await door.askJson(`${JOBS}?batch_inference_job_id=snake`, {
    body: {
      model: 'tickets',
      input_dataset_id: 'in',
      output_dataset_id: 'accounts/-/datasets/snake-out',
      inference_parameters: { max_tokens: 5, top_p: 0.5, top_k: 3, n: 2 },
      max_job_duration: '48h',
      read_only_does_not_exist: undefined,
    },
  });
  expect(body).toMatchObject({
    name: 'accounts/acme/batchInferenceJobs/snake',
    outputDatasetId: 'accounts/acme/datasets/snake-out',
    inferenceParameters: { extraBody: '{}', maxTokens: 5, topP: 0.5, topK: 3, n: 2 },
    maxJobDuration: '172800s',
    expireTime: '2026-01-07T02:00:00.000Z',
  });
});

test('an id that exists is refused with 409', async () => {
  await create(minimal, 'twice');
  expect(await create(minimal, 'twice')).toEqual({ status: 409, body: refusal(6, 'JOB_EXISTS') });
});

test.each([
  ['no model', { inputDatasetId: 'in' }, 400, 'FIELD_REQUIRED'],
  ['no input', { model: 'tickets' }, 400, 'FIELD_REQUIRED'],
  ['an unknown model', { ...minimal, model: 'nope' }, 404, 'MODEL_NOT_FOUND'],
  ['a model that nothing serves', { ...minimal, model: 'asleep' }, 400, 'MODEL_NOT_SERVED'],
  ['a precision that is not served', { ...minimal, precision: 'FP8' }, 400, 'PRECISION_NOT_SERVED'],
  ['an unknown dataset', { ...minimal, inputDatasetId: 'nope' }, 404, 'DATASET_NOT_FOUND'],
  ["another account's dataset", { ...minimal, inputDatasetId: 'accounts/bob/datasets/in' }, 403, 'ACCOUNT_MISMATCH'],
  ["another account's output", { ...minimal, outputDatasetId: 'accounts/bob/datasets/out' }, 403, 'ACCOUNT_MISMATCH'],
  ['a malformed dataset name', { ...minimal, inputDatasetId: 'accounts/acme/models/in' }, 400, 'INVALID_ID'],
  ['a malformed output id', { ...minimal, outputDatasetId: 'Out' }, 400, 'INVALID_ID'],
  ['its input as its output', { ...minimal, outputDatasetId: 'in' }, 409, 'OUTPUT_DATASET_EXISTS'],
  ['a short window', { ...minimal, maxJobDuration: '1h' }, 400, 'WINDOW_OUT_OF_RANGE'],
  ['a long window', { ...minimal, maxJobDuration: '73h' }, 400, 'WINDOW_OUT_OF_RANGE'],
  ['extraBody that is no object', { ...minimal, inferenceParameters: { extraBody: '[1]' } }, 400, 'INVALID_EXTRA_BODY'],
  [
    'extraBody with a field of no request',
    { ...minimal, inferenceParameters: { extraBody: '{"foo":1}' } },
    400,
    'INVALID_EXTRA_BODY',
  ],
  [
    'extraBody with a value out of range',
    { ...minimal, inferenceParameters: { extraBody: '{"min_p":2}' } },
    400,
    'INVALID_EXTRA_BODY',
  ],
  ['extraBody that is no JSON', { ...minimal, inferenceParameters: { extraBody: '{' } }, 400, 'INVALID_EXTRA_BODY'],
  ['a temperature out of range', { ...minimal, inferenceParameters: { temperature: 3 } }, 400, 'INVALID_FIELD'],
  ['a field of another kind', { ...minimal, inferenceParameters: { n: 'two' } }, 400, 'INVALID_FIELD'],
  ['an unknown field', { ...minimal, prompt: 'x' }, 400, 'INVALID_FIELD'],
  ['a job to continue that is not there', { continuedFromJobName: 'nope' }, 404, 'JOB_NOT_FOUND'],
])('a job with %s is refused', async (_, body, status, reason) => {
  const reply = await create(body, 'refused');
  expect([reply.status, reply.body.details[0]?.reason]).toEqual([status, reason]);
  expect((await door.ask(`${JOBS}/refused`)).status).toBe(404);
});

test('a refusal of a model names those there are', async () => {
  const { body } = await create({ ...minimal, model: 'nope' });
  expect(body.message).toBe(
    'resource not found: model "nope". There is: accounts/boatload/models/tickets, accounts/boatload/models/asleep.',
  );
});

test('a malformed id is refused with the rule', async () => {
  expect((await create(minimal, 'Nightly_1')).body).toEqual(
    refusal(3, 'INVALID_ID', expect.stringContaining('lower-case letters')),
  );
});

test('a dataset without its file is no input', async () => {
  await door.askJson('/v1/accounts/acme/datasets', { body: { datasetId: 'empty' } });
  expect(await create({ ...minimal, inputDatasetId: 'empty' })).toEqual({ status: 400, body: refusal(9, 'DATASET_NOT_READY') });
});

test('a dataset that waits for its file may become the output of one job, not of two', async () => {
  await door.askJson('/v1/accounts/acme/datasets', { body: { datasetId: 'prepared' } });
  expect((await create({ ...minimal, outputDatasetId: 'prepared' })).status).toBe(200);
  expect(await create({ ...minimal, outputDatasetId: 'prepared' })).toEqual({
    status: 409,
    body: refusal(6, 'OUTPUT_DATASET_EXISTS'),
  });
});

test('an alias stands for the own account', async () => {
  const direct = await door.askJson(`${JOBS}/nightly-0142`);
  expect(await door.askJson('/v1/accounts/-/batchInferenceJobs/nightly-0142')).toEqual(direct);
  expect(await door.askJson('/v1/accounts/me/batchInferenceJobs/nightly-0142')).toEqual(direct);
});

test('a body with a GET is ignored', async () => {
  const server = serve({ fetch: door.app.fetch, port: 0, hostname: '127.0.0.1' });
  if (!server.listening) await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const headers = { authorization: `Bearer ${door.keys.acme}`, 'content-type': 'application/json', 'content-length': 2 };
  const asked = request({ host: '127.0.0.1', port, path: `${JOBS}/nightly-0142`, headers }).end('{}');
  const [reply] = (await once(asked, 'response')) as [IncomingMessage];
  expect([reply.statusCode, JSON.parse(await text(reply)).name]).toEqual([200, 'accounts/acme/batchInferenceJobs/nightly-0142']);
  await promisify(server.close.bind(server))();
});
