import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { validateModelUpload } from '../../src/actions/validate-model-upload.ts';
import { openDoor } from './door.ts';

let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor({ quotas: { 'batch-jobs-active': 5, 'dataset-bytes': 10_000, 'model-bytes': 1_000_000 } });
});
afterAll(() => door.close());

const MODELS = '/v1/accounts/acme/models';
const AT = '2026-01-05T02:00:00.000Z';

// biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
type Reply = { status: number; body: any };
const ask = (path: string, asked?: Parameters<typeof door.askJson>[1]): Promise<Reply> => door.askJson(path, asked);
const reasonOf = ({ body }: Reply) => body.details?.[0]?.reason;
const sizeOf = (text: string | Uint8Array) => String(typeof text === 'string' ? Buffer.byteLength(text) : text.length);
const pathOf = (url: string) => url.replace('http://boatload.test', '');

const BASE = { kind: 'HF_BASE_MODEL', baseModelDetails: { checkpointFormat: 'HUGGINGFACE', worldSize: 1 } };
const PEFT = { baseModel: 'accounts/fireworks/models/tickets', r: 8, targetModules: ['q_proj'] };
const WEIGHTS = randomBytes(300_000);
const FILES: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>> = {
  'config.json': '{"model_type":"llama","max_position_embeddings":4096}',
  'tokenizer_config.json': '{"chat_template":"{{ messages }}"}',
  'onnx/model.safetensors': WEIGHTS,
};

const PLAIN = { 'config.json': '{"model_type":"llama"}', 'model.safetensors': 'weights' };

const createModel = (modelId: string, model: object = BASE) => ask(MODELS, { body: { modelId, model } });
const linksTo = (id: string, files: Readonly<Record<string, string | Uint8Array>>) =>
  ask(`${MODELS}/${id}:getUploadEndpoint`, {
    body: { filenameToSize: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, sizeOf(bytes)])) },
  });
const put = (url: string, body: string | Uint8Array<ArrayBuffer>) => door.app.request(pathOf(url), { method: 'PUT', body });

/** Uploads and validates. */
const uploadModel = async (id: string, files: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>, query = '') => {
  const { body } = await linksTo(id, files);
  for (const [name, bytes] of Object.entries(files)) expect((await put(body.filenameToSignedUrls[name], bytes)).status).toBe(200);
  return ask(`${MODELS}/${id}:validateUpload${query}`);
};

test('a model is created in full, private and waiting for its files', async () => {
  const made = await createModel('first', { ...BASE, display_name: 'First', description: 'One', supports_tools: true });
  expect(made).toEqual({
    status: 200,
    body: {
      name: 'accounts/acme/models/first',
      displayName: 'First',
      description: 'One',
      createTime: AT,
      updateTime: AT,
      state: 'UPLOADING',
      status: { code: 'OK', message: '' },
      kind: 'HF_BASE_MODEL',
      githubUrl: '',
      huggingFaceUrl: '',
      baseModelDetails: {
        worldSize: 1,
        checkpointFormat: 'HUGGINGFACE',
        huggingfaceFiles: [],
        parameterCount: '0',
        moe: false,
        tunable: false,
        modelType: '',
        supportsFireattention: false,
        supportsMtp: false,
        defaultPrecision: 'PRECISION_UNSPECIFIED',
      },
      peftDetails: null,
      teftDetails: null,
      public: false,
      conversationConfig: null,
      contextLength: 0,
      supportsImageInput: false,
      supportsTools: true,
      supportsLora: false,
      importedFrom: '',
      fineTuningJob: '',
      defaultDraftModel: '',
      defaultDraftTokenCount: 0,
      deployedModelRefs: [],
      cluster: '',
      deprecationDate: null,
      calibrated: false,
      tunable: false,
      rlTunable: false,
      supervisedLoraTunable: false,
      supervisedFullParameterTunable: false,
      rlLoraTunable: false,
      rlFullParameterTunable: false,
      useHfApplyChatTemplate: false,
      defaultSamplingParams: {},
      trainingContextLength: 0,
      snapshotType: 'FULL_SNAPSHOT',
      supportsServerless: false,
      precisions: [],
    },
  });
  expect((await ask(`${MODELS}/first`)).body).toEqual(made.body);
  const again = await createModel('first');
  expect([again.status, reasonOf(again)]).toEqual([409, 'MODEL_EXISTS']);
});

test.each<[string, object, string]>([
  ['the kind that is meant without one wants peftDetails', {}, 'INVALID_MODEL'],
  ['a base model without its details', { kind: 'HF_BASE_MODEL' }, 'INVALID_MODEL'],
  ['base details on an addon', { ...BASE, kind: 'HF_PEFT_ADDON', peftDetails: PEFT }, 'INVALID_MODEL'],
  ['peftDetails on a base model', { ...BASE, peftDetails: PEFT }, 'INVALID_MODEL'],
  ['a rank of 2', { peftDetails: { ...PEFT, r: 2 } }, 'INVALID_FIELD'],
  ['a rank of 65', { peftDetails: { ...PEFT, r: 65 } }, 'INVALID_FIELD'],
  ['an odd target module', { peftDetails: { ...PEFT, targetModules: ['lm_head'] } }, 'INVALID_MODEL'],
  ['no target modules', { peftDetails: { ...PEFT, targetModules: [] } }, 'INVALID_FIELD'],
  ['TEFT without its details', { kind: 'HF_TEFT_ADDON', peftDetails: PEFT }, 'INVALID_MODEL'],
  ['files without their format', { ...BASE, baseModelDetails: { huggingfaceFiles: ['a'] } }, 'INVALID_MODEL'],
  ['a draft model without a count', { ...BASE, defaultDraftModel: 'accounts/acme/models/d' }, 'INVALID_MODEL'],
  ['jinja without a template', { ...BASE, conversationConfig: { style: 'jinja' } }, 'INVALID_MODEL'],
  ['an unknown kind', { kind: 'BIG' }, 'INVALID_FIELD'],
  ['an unknown field', { ...BASE, size: 1 }, 'INVALID_FIELD'],
])('%s is refused', async (_, model, reason) => {
  const refused = await createModel('refused', model);
  expect([refused.status, reasonOf(refused)]).toEqual([400, reason]);
  expect((await ask(`${MODELS}/refused`)).status).toBe(404);
});

test('files come in through links, make the model READY, and go out again', async () => {
  await createModel('whole');
  const early = await ask(`${MODELS}/whole:validateUpload`);
  expect([early.status, reasonOf(early)]).toEqual([400, 'FILES_MISSING']);
  const { body } = await linksTo('whole', FILES);
  expect(Object.keys(body)).toEqual(['filenameToSignedUrls', 'filenameToUnsignedUris']);
  expect(body.filenameToUnsignedUris['onnx/model.safetensors']).toBe(
    'http://boatload.test/v1/model-uploads/acme/whole/onnx%2Fmodel.safetensors',
  );
  expect((await put(body.filenameToSignedUrls['config.json'], FILES['config.json'] ?? '')).status).toBe(200);
  const half = await ask(`${MODELS}/whole:validateUpload`);
  expect(half.body.message).toContain('onnx/model.safetensors, tokenizer_config.json');
  for (const [name, bytes] of Object.entries(FILES)) expect((await put(body.filenameToSignedUrls[name], bytes)).status).toBe(200);
  expect(await ask(`${MODELS}/whole:validateUpload?configOnly=true`)).toEqual({ status: 200, body: { warnings: [] } });
  expect((await ask(`${MODELS}/whole`)).body.state).toBe('UPLOADING');
  expect(await ask(`${MODELS}/whole:validateUpload`)).toEqual({ status: 200, body: { warnings: [] } });
  expect((await ask(`${MODELS}/whole`)).body).toMatchObject({
    state: 'READY',
    contextLength: 4096,
    conversationConfig: { style: 'jinja', template: '{{ messages }}', system: '' },
  });
  expect((await ask(`${MODELS}/whole:validateUpload`)).status).toBe(200);
  const links = (await ask(`${MODELS}/whole:getDownloadEndpoint`)).body.filenameToSignedUrls;
  expect(Object.keys(links)).toEqual(Object.keys(FILES).toSorted());
  const sent = await door.app.request(pathOf(links['onnx/model.safetensors']));
  expect(Buffer.compare(Buffer.from(await sent.arrayBuffer()), WEIGHTS)).toBe(0);
  expect(sent.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''model.safetensors");
  const part = await door.app.request(pathOf(links['onnx/model.safetensors']), { headers: { range: 'bytes=10-19' } });
  expect([part.status, Buffer.compare(Buffer.from(await part.arrayBuffer()), WEIGHTS.subarray(10, 20))]).toEqual([206, 0]);
  const late = await put(body.filenameToSignedUrls['config.json'], FILES['config.json'] ?? '');
  expect(late.status).toBe(400);
  expect(reasonOf(await linksTo('whole', { 'more.bin': 'x' }))).toBe('MODEL_READY');
});

test('a file has the announced size; a second put replaces the first and nothing is left over', async () => {
  await createModel('sized');
  const keysBefore = (await door.objectKeys()).length;
  const url = (await linksTo('sized', { 'model.bin': 'GGUF' })).body.filenameToSignedUrls['model.bin'];
  for (const body of ['GGU', 'GGUF+', '']) expect([(await put(url, body)).status, body]).toEqual([400, body]);
  expect((await door.objectKeys()).length).toBe(keysBefore);
  for (const body of ['GGUF', 'GGU2']) expect((await put(url, body)).status).toBe(200);
  expect((await door.objectKeys()).length).toBe(keysBefore + 1);
  expect((await ask(`${MODELS}/sized:validateUpload?skipHfConfigValidation=true`)).status).toBe(200);
  const links = (await ask(`${MODELS}/sized:getDownloadEndpoint`)).body.filenameToSignedUrls;
  expect(await (await door.app.request(pathOf(links['model.bin']))).text()).toBe('GGU2');
  await ask(`${MODELS}/sized`, { method: 'DELETE' });
  expect((await door.objectKeys()).length).toBe(keysBefore);
  expect((await door.app.request(pathOf(links['model.bin']))).status).toBe(404);
});

/** The least of GGUF: it says its architecture, and has no tensors. */
const ggufOf = (architecture: string): Buffer<ArrayBuffer> => {
  const count = (value: number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
  const word = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
  const text = (value: string) => Buffer.concat([count(Buffer.byteLength(value)), Buffer.from(value)]);
  const entry = Buffer.concat([text('general.architecture'), word(8), text(architecture)]);
  return Buffer.concat([Buffer.from('GGUF'), word(3), count(0), count(1), entry, Buffer.alloc(32)]);
};

test('a file that is replaced while it is tried makes no model of what was not looked at', async () => {
  await createModel('swapped');
  const gguf = ggufOf('llama');
  const { body } = await linksTo('swapped', { 'm.gguf': gguf });
  const link = body.filenameToSignedUrls['m.gguf'];
  await put(link, gguf);
  const tryModel = async () => {
    await put(link, new Uint8Array(gguf.length));
    return [];
  };
  const answer = await validateModelUpload(
    { ...door.context, tryModel },
    { accountId: 'acme', name: 'ada' },
    { id: 'swapped', skipConfigs: false, configOnly: false },
  ).catch((cause: unknown) => cause);
  expect(answer).toMatchObject({ reason: 'FILES_CHANGED' });
  expect((await ask(`${MODELS}/swapped`)).body.state).toBe('UPLOADING');
});

test('a head with text that no database takes is refused in words', async () => {
  await createModel('nul');
  const refused = await uploadModel('nul', { 'm.gguf': ggufOf('lla\0ma') });
  expect([refused.status, reasonOf(refused)]).toEqual([400, 'MODEL_FILE_INVALID']);
});

test('a file that was announced anew with another size has to come again', async () => {
  await createModel('anew');
  const old = (await linksTo('anew', { 'model.gguf': 'GGUF' })).body.filenameToSignedUrls['model.gguf'];
  await put(old, 'GGUF');
  await linksTo('anew', { 'model.gguf': 'GGUF longer' });
  expect(reasonOf(await ask(`${MODELS}/anew:validateUpload`))).toBe('FILES_MISSING');
  expect((await put(old, 'GGUF')).status).toBe(400);
});

test('a link that was changed, has expired, or is for something else does not work', async () => {
  await createModel('linked');
  const links = (await linksTo('linked', { 'a.gguf': 'GGUF', 'b.gguf': 'GGUF' })).body.filenameToSignedUrls;
  const refused = [
    links['a.gguf'].replace('a.gguf', 'b.gguf'),
    links['a.gguf'].replace('size=4', 'size=5'),
    links['a.gguf'].replace('/model-uploads/', '/uploads/'),
    links['a.gguf'].replace(/signature=.*/, ''),
  ];
  for (const url of refused) expect([url, (await put(url, 'GGUF')).status]).toEqual([url, 403]);
  expect((await door.app.request(pathOf(links['a.gguf']).replace('-uploads', '-downloads'))).status).toBe(403);
  expect((await door.app.request(pathOf(links['a.gguf']))).status).toBe(405);
  const at = door.clock.time;
  door.clock.time += 3_600_000;
  expect((await put(links['a.gguf'], 'GGUF')).status).toBe(403);
  door.clock.time = at;
  expect((await put(links['a.gguf'], 'GGUF')).status).toBe(200);
});

test.each(['', '.', '..', '../x', '/x', 'a//b', 'a/../b', 'a\\b', 'a\nb', 'x'.repeat(256)])(
  'a file can not be called %j',
  async (name) => {
    await createModel('names');
    const reply = await ask(`${MODELS}/names:getUploadEndpoint`, { body: { filenameToSize: { [name]: '1' } } });
    expect([reply.status, reasonOf(reply)]).toEqual([400, 'INVALID_FILE_NAME']);
  },
);

test.each<[string, object, Readonly<Record<string, string>>, string]>([
  ['no config.json', BASE, { 'model.bin': 'x' }, 'MODEL_FILES_INCOMPLETE'],
  ['no weights', BASE, { 'config.json': '{}' }, 'MODEL_FILES_INCOMPLETE'],
  ['a config.json that is none', BASE, { 'config.json': '[', 'model.bin': 'x' }, 'INVALID_MODEL_CONFIG'],
  ['a quantized one', BASE, { 'config.json': '{"quantization_config":{}}', 'model.bin': 'x' }, 'INVALID_MODEL_CONFIG'],
  ['no adapter_config.json', { peftDetails: PEFT }, { 'adapter_model.bin': 'x' }, 'MODEL_FILES_INCOMPLETE'],
  ['no adapter weights', { peftDetails: PEFT }, { 'adapter_config.json': '{}' }, 'MODEL_FILES_INCOMPLETE'],
  [
    'a rank of 128',
    { peftDetails: PEFT },
    { 'adapter_config.json': '{"r":128,"target_modules":["q_proj"]}', 'adapter_model.bin': 'x' },
    'INVALID_MODEL_CONFIG',
  ],
  [
    'an odd module',
    { peftDetails: PEFT },
    { 'adapter_config.json': '{"r":8,"target_modules":["lm_head"]}', 'adapter_model.bin': 'x' },
    'INVALID_MODEL',
  ],
])('files with %s are refused, unless the configuration is not looked at', async (_, model, files, reason) => {
  await createModel('odd', model);
  const refused = await uploadModel('odd', files);
  expect([refused.status, reasonOf(refused)]).toEqual([400, reason]);
  expect((await ask(`${MODELS}/odd`)).body.state).toBe('UPLOADING');
  expect((await ask(`${MODELS}/odd:validateUpload?skipHfConfigValidation=true`)).status).toBe(200);
  await ask(`${MODELS}/odd`, { method: 'DELETE' });
});

test('a good adapter brings its own chat template', async () => {
  await createModel('adapter', { peftDetails: PEFT });
  const checked = await uploadModel('adapter', {
    'adapter_config.json': '{"r":8,"target_modules":["q_proj","w1"]}',
    'adapter_model.safetensors': 'x',
    'fireworks.json': '{"conversation_config":{"style":"jinja","args":{"template":"T"}}}',
  });
  expect(checked.body).toEqual({ warnings: [] });
  expect((await ask(`${MODELS}/adapter`)).body).toMatchObject({
    state: 'READY',
    kind: 'HF_PEFT_ADDON',
    conversationConfig: { template: 'T' },
    peftDetails: { ...PEFT, baseModelType: '', mergeAddonModelName: '' },
  });
});

test('configuration can be checked before an upload', async () => {
  const check = (configJson: string) => ask('/v1/validateModelConfig', { body: { configJson, tokenizerConfigJson: '{}' } });
  expect((await check('{}')).body.warnings).toHaveLength(2);
  expect(reasonOf(await check('nonsense'))).toBe('INVALID_MODEL_CONFIG');
});

test('what engines serve is listed beside the records, under the public account and its other name', async () => {
  for (const account of ['boatload', 'fireworks']) {
    const { body } = await ask(`/v1/accounts/${account}/models`);
    expect(body.totalSize).toBe(2);
    expect(body.models.map((model: { name: string }) => model.name)).toEqual([
      'accounts/boatload/models/asleep',
      'accounts/boatload/models/tickets',
    ]);
    const { body: tickets } = await ask(`/v1/accounts/${account}/models/tickets`, { key: door.keys.bob });
    expect(tickets).toMatchObject({
      name: 'accounts/boatload/models/tickets',
      state: 'READY',
      public: true,
      createTime: null,
      supportsServerless: true,
      precisions: ['BF16'],
      baseModelDetails: { defaultPrecision: 'BF16' },
      deployedModelRefs: [
        { name: 'accounts/boatload/deployedModels/tickets', state: 'DEPLOYED', default: true, public: true, deployment: '' },
      ],
    });
  }
  expect((await ask('/v1/accounts/boatload/models/asleep')).body).toMatchObject({
    supportsServerless: false,
    deployedModelRefs: [],
  });
  expect((await ask('/v1/accounts/boatload/models/nope')).status).toBe(404);
});

test('nobody but their owner changes models; public ones are read from everywhere', async () => {
  await createModel('shared');
  await uploadModel('shared', PLAIN);
  const bob = { key: door.keys.bob };
  expect((await ask(`${MODELS}/shared`, bob)).status).toBe(404);
  expect((await ask(`${MODELS}/shared:getDownloadEndpoint`, bob)).status).toBe(404);
  expect((await ask(MODELS, bob)).body).toEqual({ models: [], nextPageToken: '', totalSize: 0 });
  expect((await ask(`${MODELS}/shared`, { method: 'PATCH', body: { public: true } })).body.public).toBe(true);
  expect((await ask(`${MODELS}/shared`, bob)).body.name).toBe('accounts/acme/models/shared');
  expect((await ask(MODELS, bob)).body.totalSize).toBe(1);
  expect((await ask(`${MODELS}/shared:getDownloadEndpoint`, bob)).status).toBe(200);
  const changes = [
    ['PATCH', 'shared'],
    ['DELETE', 'shared'],
    ['POST', 'shared:prepare'],
    ['POST', 'shared:getUploadEndpoint'],
    ['GET', 'shared:validateUpload'],
  ] as const;
  for (const [method, path] of changes)
    expect((await ask(`${MODELS}/${path}`, { ...bob, method, ...(method !== 'GET' && { body: {} }) })).status).toBe(403);
  for (const account of ['boatload', 'fireworks'])
    expect((await ask(`/v1/accounts/${account}/models`, { body: { modelId: 'mine', model: BASE } })).status).toBe(403);
  await ask(`${MODELS}/shared`, { method: 'PATCH', body: { public: false } });
  expect((await ask(`${MODELS}/shared`, bob)).status).toBe(404);
});

test('what is said of a model changes; what it is does not', async () => {
  await createModel('said', { ...BASE, description: 'before' });
  const changed = await ask(`${MODELS}/said`, {
    method: 'PATCH',
    body: { displayName: 'Said', githubUrl: 'https://example.com', contextLength: 10, state: 'READY' },
  });
  expect(changed.body).toMatchObject({
    displayName: 'Said',
    description: 'before',
    githubUrl: 'https://example.com',
    contextLength: 10,
    state: 'UPLOADING',
  });
  const kind = await ask(`${MODELS}/said`, { method: 'PATCH', body: { kind: 'DRAFT_ADDON' } });
  expect([kind.status, reasonOf(kind)]).toEqual([400, 'KIND_FIXED']);
  const draft = await ask(`${MODELS}/said`, { method: 'PATCH', body: { defaultDraftModel: 'x' } });
  expect(reasonOf(draft)).toBe('INVALID_MODEL');
});

test('a model that is READY takes further precisions', async () => {
  await createModel('precise');
  expect(reasonOf(await ask(`${MODELS}/precise:prepare`, { body: {} }))).toBe('MODEL_NOT_READY');
  await uploadModel('precise', PLAIN);
  for (const body of [{}, { precision: 'BF16' }, { precision: 'FP8' }])
    expect(await ask(`${MODELS}/precise:prepare`, { body })).toEqual({ status: 200, body: {} });
  expect((await ask(`${MODELS}/precise`)).body.precisions).toEqual(['FP8', 'BF16']);
});

test('imports are not offered', async () => {
  const reply = await ask(`${MODELS}/x:import`, { body: { awsS3Source: { s3Bucket: 'b' } } });
  expect([reply.status, reply.body.code, reasonOf(reply)]).toEqual([501, 12, 'NOT_OFFERED']);
});

test('a job is refused on a model that nothing serves, and says why', async () => {
  await door.makeDataset('in');
  const reply = await ask('/v1/accounts/acme/batchInferenceJobs', { body: { model: 'whole', inputDatasetId: 'in' } });
  expect([reply.status, reasonOf(reply)]).toEqual([400, 'MODEL_NOT_SERVED']);
  const other = await ask('/v1/accounts/bob/batchInferenceJobs', {
    key: door.keys.bob,
    body: { model: 'accounts/acme/models/whole', inputDatasetId: 'in' },
  });
  expect([other.status, reasonOf(other)]).toEqual([404, 'MODEL_NOT_FOUND']);
});

test('models and quotas are filtered', async () => {
  const find = async (path: string, filter: string) =>
    (await ask(`/v1/accounts/${path}?filter=${encodeURIComponent(filter)}`)).body;
  const ready = (await find('acme/models', 'state = READY AND kind = HF_PEFT_ADDON')).models;
  expect(ready.map(({ name }: { name: string }) => name)).toEqual(['accounts/acme/models/adapter']);
  expect((await find('acme/models', 'contextLength >= 4096 AND public = false')).models).toMatchObject([{ contextLength: 4096 }]);
  expect((await find('fireworks/models', 'name = accounts/boatload/models/tickets')).totalSize).toBe(1);
  expect((await find('acme/quotas', 'maxValue < 100')).quotas).toMatchObject([
    { name: 'accounts/acme/quotas/batch-jobs-active' },
  ]);
});

test('lists have pages, an order and masks', async () => {
  const first = (await ask(`${MODELS}?orderBy=createTime%20desc,name&pageSize=2&readMask=name`)).body;
  expect(first.models).toHaveLength(2);
  expect(Object.keys(first.models[0])).toEqual(['name']);
  const names = new Set<string>();
  for (let token = '', more = true; more; ) {
    const { body } = await ask(`${MODELS}?pageSize=3&pageToken=${token}`);
    for (const { name } of body.models) names.add(name);
    token = body.nextPageToken;
    more = token !== '';
  }
  expect(names.size).toBe(first.totalSize);
});

test('quotas are listed, lowered and enforced', async () => {
  const QUOTAS = '/v1/accounts/acme/quotas';
  const { body } = await ask(QUOTAS);
  expect(body).toMatchObject({
    totalSize: 3,
    quotas: [
      { name: 'accounts/acme/quotas/batch-jobs-active', value: '5', maxValue: '5', usage: 0, updateTime: null },
      { name: 'accounts/acme/quotas/dataset-bytes', value: '10000', maxValue: '10000' },
      { name: 'accounts/acme/quotas/model-bytes', value: '1000000', maxValue: '1000000' },
    ],
  });
  expect(body.quotas[2].usage).toBeGreaterThan(WEIGHTS.length);
  const set = (id: string, value: unknown, key = door.keys.acme) =>
    ask(`${QUOTAS}/${id}`, { method: 'PATCH', body: { value }, key });
  expect((await set('batch-jobs-active', '1')).body).toMatchObject({ value: '1', maxValue: '5', updateTime: AT });
  expect(reasonOf(await set('batch-jobs-active', 6))).toBe('QUOTA_ABOVE_MAXIMUM');
  expect((await set('batch-jobs-active', -1)).status).toBe(400);
  expect((await set('no-such', 1)).status).toBe(404);
  const job = (id: string) =>
    ask(`/v1/accounts/acme/batchInferenceJobs?batchInferenceJobId=${id}`, { body: { model: 'tickets', inputDatasetId: 'in' } });
  const jobs = await Promise.all([job('q1'), job('q2'), job('q3')]);
  expect(jobs.map(({ status }) => status).toSorted()).toEqual([200, 429, 429]);
  expect(jobs.find(({ status }) => status === 429)).toMatchObject({ body: { code: 8, details: [{ reason: 'QUOTA_EXCEEDED' }] } });
  expect((await ask(`${QUOTAS}/batch-jobs-active`)).body.usage).toBe(1);
  await set('dataset-bytes', 1);
  expect((await ask('/v1/accounts/acme/datasets', { body: { datasetId: 'full' } })).status).toBe(429);
  await set('model-bytes', 0);
  await createModel('full');
  expect((await linksTo('full', { 'model.gguf': 'GGUF' })).status).toBe(429);
  expect(reasonOf(await ask(`${MODELS}/full:validateUpload`))).toBe('FILES_MISSING');
  await set('model-bytes', 1_000_000);
  expect((await linksTo('full', { 'model.gguf': new Uint8Array(1_000_000) })).status).toBe(429);
  expect((await linksTo('full', { 'model.gguf': 'GGUF' })).status).toBe(200);
});

test('a model on which a job runs stays', async () => {
  await createModel('busy');
  const { db } = door.context.store;
  await db.updateTable('job').set({ model: 'accounts/acme/models/busy' }).where('accountId', '=', 'acme').execute();
  const refused = await ask(`${MODELS}/busy`, { method: 'DELETE' });
  expect([refused.status, reasonOf(refused)]).toEqual([400, 'MODEL_IN_USE']);
});
