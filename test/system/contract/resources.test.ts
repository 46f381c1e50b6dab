/** The contract's acceptance checklist, against the published program: ids, fields, lists, errors, datasets. Rows, limits and firectl have files of their own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WIRE_JOB_STATES } from '../../../src/contract/job-state.ts';
import { type ContractServer, formOf, MODEL, type Reply, rowOf, SERVED_MODEL, startContractServer } from './server.ts';
import { BAD_KEY, INT64, NEW_DATASET, NEW_JOB, refusal } from './shapes.ts';

/** What the engine does with a row now. */
const engine: { does: () => 'hang' | undefined } = { does: () => undefined };
let server: ContractServer;
beforeAll(async () => {
  server = await startContractServer({ script: () => engine.does() });
  await server.upload('in', rowOf('one'));
});
afterAll(() => server?.close());

const refused = async (method: string, path: string, body?: object) => {
  const answer = await server.ask(method, path, body && { body });
  return { status: answer.status, body: answer.body };
};
const namesOf = (resources: readonly Reply[]): string[] => resources.map(({ name }) => name.split('/').at(-1));

describe('ids are validated, and made where they are left out', () => {
  const bad = ['', '1st', '-a', 'a-', 'A', 'a_b', 'a.b', 'ä', 'a b', 'a/b', 'x'.repeat(64)];
  test.each(bad)('%j is none: not for a dataset, a job, an output', async (id) => {
    const invalid = { status: 400, body: refusal(3) };
    expect(await refused('POST', 'datasets', { datasetId: id, dataset: { userUploaded: {} } })).toEqual(invalid);
    if (id === '') return;
    const wish = { model: MODEL, inputDatasetId: 'in' };
    expect(await refused('POST', `batchInferenceJobs?batchInferenceJobId=${encodeURIComponent(id)}`, wish)).toEqual(invalid);
    expect(await refused('POST', 'batchInferenceJobs', { ...wish, outputDatasetId: id })).toEqual(invalid);
  });

  test.each(['a', 'z9', 'a-0', `a${'-b'.repeat(31)}`])('%j is one', async (datasetId) => {
    expect(await server.post('datasets', { datasetId, dataset: { userUploaded: {} } })).toMatchObject({
      name: server.name(`datasets/${datasetId}`),
    });
  });

  test('a job gets a name of letters and digits, its output dataset bij- and eight of them', async () => {
    const job = await server.post('batchInferenceJobs', { model: MODEL, inputDatasetId: 'in' });
    expect(job.name).toMatch(/^accounts\/local\/batchInferenceJobs\/[a-z][a-z0-9]{7,9}$/);
    expect(job.outputDatasetId).toMatch(/^accounts\/local\/datasets\/bij-[a-z0-9]{8}$/);
  });

  test('a name that is taken gets 409', async () => {
    await server.createJob('taken', { model: MODEL, inputDatasetId: 'in', outputDatasetId: 'taken-out' });
    await server.untilState('taken', 'COMPLETED');
    const wish = { model: MODEL, inputDatasetId: 'in' };
    const conflict = { status: 409, body: refusal(6) };
    expect(await refused('POST', 'datasets', { datasetId: 'in', dataset: {} })).toEqual(conflict);
    expect(await refused('POST', 'batchInferenceJobs?batchInferenceJobId=taken', wish)).toEqual(conflict);
    expect(await refused('POST', 'batchInferenceJobs', { ...wish, outputDatasetId: 'taken-out' })).toEqual(conflict);
    // One that holds no files may be written.
    await server.post('datasets', { datasetId: 'made-before', dataset: { userUploaded: {} } });
    await server.createJob('into-empty', { ...wish, outputDatasetId: 'made-before' });
    await server.untilState('into-empty', 'COMPLETED');
    expect(await server.get('datasets/made-before')).toMatchObject({ state: 'READY', exampleCount: '1' });
  });
});

describe('fields: all are answered, in camelCase; both spellings are read', () => {
  test('a request in snake_case means the same', async () => {
    const job = await server.post('batchInferenceJobs?batch_inference_job_id=snake', {
      display_name: 'Nightly',
      model: MODEL,
      input_dataset_id: 'in',
      output_dataset_id: 'snake-out',
      inference_parameters: { max_tokens: 7, top_p: 0.5, top_k: 3, n: 1, temperature: 0.1, extra_body: '{"seed":1}' },
      system_prompt: 'Be brief.',
      max_job_duration: '43200s',
    });
    expect(job).toEqual({
      ...NEW_JOB,
      name: server.name('batchInferenceJobs/snake'),
      displayName: 'Nightly',
      model: SERVED_MODEL,
      inputDatasetId: server.name('datasets/in'),
      outputDatasetId: server.name('datasets/snake-out'),
      inferenceParameters: { extraBody: '{"seed":1}', maxTokens: 7, topP: 0.5, topK: 3, n: 1, temperature: 0.1 },
      systemPrompt: 'Be brief.',
      maxJobDuration: '43200s',
    });
    expect(Date.parse(job.expireTime) - Date.parse(job.createTime)).toBeGreaterThan(12 * 3600_000 - 10_000);
    const dataset = await server.post('datasets', { dataset_id: 'snake-in', dataset: { user_uploaded: {}, example_count: 3 } });
    expect(dataset).toMatchObject({ name: server.name('datasets/snake-in'), exampleCount: '3' });
  });

  test('what only the server sets is ignored, what nobody knows is refused by name', async () => {
    const own = { name: 'x', state: 'JOB_STATE_COMPLETED', createTime: '2000-01-01T00:00:00Z', status: { code: 'OK' } };
    const wish = { model: MODEL, inputDatasetId: 'in' };
    expect(await server.post('batchInferenceJobs?batchInferenceJobId=ignoring', { ...wish, ...own })).toMatchObject({
      name: server.name('batchInferenceJobs/ignoring'),
      state: 'JOB_STATE_VALIDATING',
    });
    const unknown = { status: 400, body: refusal(3, expect.stringContaining('unknown field "modle"')) };
    expect(await refused('POST', 'batchInferenceJobs', { ...wish, modle: 'x' })).toEqual(unknown);
    expect(await refused('POST', 'datasets', { datasetId: 'unknown', dataset: { modle: 1 } })).toEqual({
      ...unknown,
      body: refusal(3, expect.stringMatching(/unknown field "(dataset\.)?modle"/)),
    });
  });

  test.each([
    ['no model', { inputDatasetId: 'in' }, 400, 3],
    ['no input', { model: MODEL }, 400, 3],
    ['an input that is not there', { model: MODEL, inputDatasetId: 'nothing' }, 404, 5],
    ['an input that is not READY', { model: MODEL, inputDatasetId: 'made-unready' }, 400, 9],
    ['a model that is not there', { model: 'nothing', inputDatasetId: 'in' }, 404, 5],
    ['extraBody that is no JSON', { model: MODEL, inputDatasetId: 'in', inferenceParameters: { extraBody: 'x' } }, 400, 3],
    ['extraBody that is no object', { model: MODEL, inputDatasetId: 'in', inferenceParameters: { extraBody: '[]' } }, 400, 3],
    ['a temperature above 2', { model: MODEL, inputDatasetId: 'in', inferenceParameters: { temperature: 2.1 } }, 400, 3],
    ['a window of an hour', { model: MODEL, inputDatasetId: 'in', maxJobDuration: '3600s' }, 400, 3],
    ['a precision nobody knows', { model: MODEL, inputDatasetId: 'in', precision: 'FP1' }, 400, 3],
    ['a job to continue that is not there', { continuedFromJobName: 'nothing' }, 404, 5],
  ])('a job with %s is refused', async (_, wish, status, code) => {
    await server.ask('POST', 'datasets', { body: { datasetId: 'made-unready', dataset: { userUploaded: {} } } });
    expect(await refused('POST', 'batchInferenceJobs', wish)).toEqual({ status, body: refusal(code) });
  });
});

describe('lists', () => {
  test('pages are of 50, at most 200; datasets by name, tokens lead on', async () => {
    const ids = Array.from({ length: 210 }, (_, at) => `page-${String(at).padStart(3, '0')}`);
    for (const datasetId of ids.toReversed()) await server.post('datasets', { datasetId, dataset: { userUploaded: {} } });
    const filter = `filter=${encodeURIComponent('name >= "accounts/local/datasets/page-" AND name < "accounts/local/datasets/page-z"')}`;
    const first = await server.get(`datasets?${filter}`);
    expect(Object.keys(first).toSorted()).toEqual(['datasets', 'nextPageToken', 'totalSize']);
    expect(first.totalSize).toBe(210);
    expect(namesOf(first.datasets)).toEqual(ids.slice(0, 50));
    const second = await server.get(`datasets?${filter}&pageToken=${encodeURIComponent(first.nextPageToken)}`);
    expect(namesOf(second.datasets)).toEqual(ids.slice(50, 100));
    const large = await server.get(`datasets?${filter}&pageSize=1000`);
    expect(namesOf(large.datasets)).toEqual(ids.slice(0, 200));
    const last = await server.get(`datasets?${filter}&page_size=1000&page_token=${encodeURIComponent(large.nextPageToken)}`);
    expect(namesOf(last.datasets)).toEqual(ids.slice(200));
    expect(last.nextPageToken).toBe('');
    const turned = await server.get(`datasets?${filter}&orderBy=name%20desc&pageSize=2&readMask=name,state`);
    expect(turned.datasets).toEqual([
      { name: server.name('datasets/page-209'), state: 'UPLOADING' },
      { name: server.name('datasets/page-208'), state: 'UPLOADING' },
    ]);
    const otherwise = `datasets?${filter}&orderBy=name%20desc&pageToken=${encodeURIComponent(first.nextPageToken)}`;
    for (const path of [
      'datasets?pageSize=-1',
      'datasets?pageToken=x',
      'datasets?orderBy=nothing',
      'datasets?filter=%28',
      otherwise,
    ])
      expect(await refused('GET', path)).toEqual({ status: 400, body: refusal(3) });
  });

  test('jobs come in the order of their creation; filters and masks hold for them', async () => {
    const { batchInferenceJobs } = await server.get('batchInferenceJobs?readMask=name,createTime');
    const times = batchInferenceJobs.map(({ createTime }: Reply) => createTime);
    expect(times.length).toBeGreaterThan(3);
    expect(times).toEqual(times.toSorted());
    expect(Object.keys(batchInferenceJobs[0])).toEqual(['name', 'createTime']);
    expect(await server.get('batchInferenceJobs/taken?readMask=state')).toEqual({ state: 'JOB_STATE_COMPLETED' });
    expect(await server.get('batchInferenceJobs/taken?readMask=*')).toHaveProperty('stateReason');
    const filter = encodeURIComponent(`state = COMPLETED AND outputDatasetId = "taken-out"`);
    expect(namesOf((await server.get(`batchInferenceJobs?filter=${filter}`)).batchInferenceJobs)).toEqual(['taken']);
  });

  test('all twenty states can be filtered by', async () => {
    expect(WIRE_JOB_STATES).toHaveLength(20);
    for (const state of WIRE_JOB_STATES) {
      const { batchInferenceJobs } = await server.get(`batchInferenceJobs?filter=${encodeURIComponent(`state = ${state}`)}`);
      expect(batchInferenceJobs.every((job: Reply) => job.state === state)).toBe(true);
    }
  });

  test.each(['datasets', 'models', 'users', 'quotas', 'batchInferenceJobs'])('%s are listed alike', async (collection) => {
    expect(await server.get(collection)).toEqual({
      [collection]: expect.any(Array),
      nextPageToken: expect.any(String),
      totalSize: expect.any(Number),
    });
  });
});

describe('errors', () => {
  test.each([
    ['a resource that is not there', 'GET', 'datasets/nothing', 404, 5],
    ['a path that is not there', 'GET', 'nothing', 404, 5],
    ['another account', 'GET', '/accounts/somebody/datasets', 403, 7],
  ])('%s', async (_, method, path, status, code) => {
    expect(await refused(method, path)).toEqual({ status, body: refusal(code) });
  });

  test('a verb that is not for the resource gets 405 in plain text', async () => {
    expect(await refused('POST', 'datasets/in:getDownloadEndpoint', {})).toEqual({ status: 405, body: 'Method Not Allowed' });
  });

  test('broken JSON gets 400, a missing key 403', async () => {
    expect(await server.ask('POST', 'datasets', { body: '{"datasetId":' })).toMatchObject({ status: 400, body: { code: 3 } });
    const reply = await fetch(`${server.server.url}/v1/accounts/local/datasets`);
    expect({ status: reply.status, body: await reply.json() }).toEqual({ status: 403, body: BAD_KEY });
  });

  test('a GET with a body, as the original samples send it, is answered', async () => {
    const { port, hostname } = new URL(server.server.url);
    const path = '/v1/accounts/local/datasets/taken-out:getDownloadEndpoint';
    const { request } = await import('node:http');
    const status = await new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${server.server.apiKey}`,
        'content-type': 'application/json',
        'content-length': 2,
      };
      const asking = request({ host: hostname, port, path, method: 'GET', headers }, (reply) =>
        resolve(reply.resume().statusCode),
      );
      asking.once('error', reject).end('{}');
    });
    expect(status).toBe(200);
  });
});

describe('datasets', () => {
  test('go up by signed links, are validated, and come down again', async () => {
    await server.post('datasets', { datasetId: 'signed', dataset: { userUploaded: {}, format: 'CHAT', displayName: 'Signed' } });
    const texts = { 'a.jsonl': rowOf('a'), 'b.jsonl': rowOf('b') + rowOf('c') };
    const filenameToSize = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, String(text.length)]));
    const { filenameToSignedUrls } = await server.post('datasets/signed:getUploadEndpoint', { filenameToSize });
    expect(Object.keys(filenameToSignedUrls)).toEqual(['a.jsonl', 'b.jsonl']);
    for (const [name, body] of Object.entries(texts)) {
      const headers = {
        'content-type': 'application/octet-stream',
        'x-goog-content-length-range': `${body.length},${body.length}`,
      };
      expect((await fetch(filenameToSignedUrls[name], { method: 'PUT', body, headers })).status).toBe(200);
    }
    expect(await server.get('datasets/signed')).toMatchObject({ state: 'UPLOADING' });
    expect(await server.post('datasets/signed:validateUpload', {})).toEqual({});
    expect(await server.get('datasets/signed')).toEqual({
      ...NEW_DATASET,
      name: server.name('datasets/signed'),
      displayName: 'Signed',
      state: 'READY',
      exampleCount: '3',
      format: 'CHAT',
      estimatedTokenCount: INT64,
    });
    expect(await server.download('signed')).toEqual({
      'dataset/signed/a.jsonl': texts['a.jsonl'],
      'dataset/signed/b.jsonl': texts['b.jsonl'],
    });
  });

  test('are patched, previewed, and deleted; one in use is not', async () => {
    const patched = await server.ask('PATCH', 'datasets/signed', { body: { displayName: 'Other' } });
    expect(patched.body).toMatchObject({ displayName: 'Other', format: 'CHAT', state: 'READY' });
    const preview = await server.get('datasets/signed:preview?pageSize=2');
    expect(preview).toMatchObject({ examples: [{ custom_id: 'a' }, { custom_id: 'b' }], totalCount: 3 });
    engine.does = () => 'hang';
    await server.createJob('using', { model: MODEL, inputDatasetId: 'signed' });
    await server.untilState('using', 'RUNNING');
    expect(await refused('DELETE', 'datasets/signed')).toEqual({ status: 400, body: refusal(9) });
    await server.post('batchInferenceJobs/using:cancel', {});
    await server.untilState('using', 'CANCELLED');
    engine.does = () => undefined;
    expect(await refused('DELETE', 'datasets/signed')).toEqual({ status: 200, body: {} });
    expect(await refused('GET', 'datasets/signed')).toEqual({ status: 404, body: refusal(5) });
  });

  test('a count is not demanded, and a wrong one is corrected', async () => {
    await server.post('datasets', { datasetId: 'miscounted', dataset: { exampleCount: '99' } });
    expect(await server.get('datasets/miscounted')).toMatchObject({ exampleCount: '99' });
    await server.post('datasets/miscounted:upload', formOf(rowOf('a')));
    expect(await server.get('datasets/miscounted')).toMatchObject({ exampleCount: '1' });
  });
});
