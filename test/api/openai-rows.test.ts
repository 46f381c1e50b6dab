import OpenAI, { toFile } from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { isOver, startServer } from '../door/server.ts';
import { makeFolder } from '../support/folder.ts';
import { startHttpEngine } from '../support/http-engine.ts';
import { allIds, idOf, makeRows, parseLines, questionOf } from '../support/rows.ts';

/** `boatload up` with echo, which answers every endpoint, our own engine, which answers two, and another server's models. */
async function openServer() {
  const upstream = await startHttpEngine({ models: [{ id: 'far-a' }, { id: 'far-b' }] });
  onTestFinished(() => upstream.close());
  const server = await startServer(await makeFolder(), '--engine', upstream.url);
  const client = new OpenAI({ apiKey: server.apiKey, baseURL: `${server.url}/v1`, logLevel: 'off' });
  const run = async (endpoint: string, text: string) => {
    const file = await client.files.create({ file: await toFile(Buffer.from(text), 'in.jsonl'), purpose: 'batch' });
    // The type lists more endpoints than rows can have here.
    const wish = { input_file_id: file.id, endpoint: endpoint as '/v1/responses', completion_window: '24h' as const };
    const { id } = await client.batches.create(wish);
    await server.waitForJob(id.replace('batch_', ''), isOver);
    return client.batches.retrieve(id);
  };
  // biome-ignore lint/suspicious/noExplicitAny: replies of four endpoints, checked by what is expected of them
  const readFile = async (id: string | null | undefined): Promise<any[]> =>
    id == null ? [] : parseLines(await (await client.files.content(id)).text());
  return { server, client, upstream, run, readFile };
}

const rowFor = (url: string, model: string, body: object) => (row: number) => ({
  custom_id: idOf(row),
  method: 'POST',
  url,
  body: { model, ...body },
});

test('each endpoint has its rows answered in its own shape, with its own usage', async () => {
  const { run, readFile } = await openServer();
  const bodies = {
    '/v1/chat/completions': { messages: [{ role: 'user', content: 'one two' }], max_tokens: 5 },
    '/v1/completions': { prompt: 'one two', max_tokens: 5 },
    '/v1/embeddings': { input: ['one', 'two'], encoding_format: 'float' },
    '/v1/responses': { input: 'one two', max_output_tokens: 5 },
  };
  for (const [endpoint, body] of Object.entries(bodies)) {
    const batch = await run(endpoint, makeRows(3, rowFor(endpoint, 'echo', body)));
    expect(batch).toMatchObject({ status: 'completed', endpoint, model: expect.stringContaining('echo') });
    const rows = await readFile(batch.output_file_id);
    expect(rows.map(({ custom_id }) => custom_id)).toEqual(allIds(3));
    const { object, usage } = rows[0].response.body;
    expect(object).toBe(OBJECTS[endpoint as keyof typeof OBJECTS]);
    const [input, output] = [usage.input_tokens ?? usage.prompt_tokens, usage.output_tokens ?? usage.completion_tokens ?? 0];
    expect(input).toBeGreaterThan(0);
    expect(output > 0).toBe(endpoint !== '/v1/embeddings');
    expect(batch.usage).toMatchObject({ input_tokens: 3 * input, output_tokens: 3 * output });
  }
});

const OBJECTS = {
  '/v1/chat/completions': 'chat.completion',
  '/v1/completions': 'text_completion',
  '/v1/embeddings': 'list',
  '/v1/responses': 'response',
} as const;

test('rows of one file name four models of three engines, each by an id or a full name', async () => {
  const { run, readFile, server, upstream } = await openServer();
  const names = ['echo', 'accounts/boatload/models/tickets', 'far-a', 'far-b', 'accounts/fireworks/models/echo'];
  const text = makeRows(40, (row) =>
    rowFor('/v1/chat/completions', names[row % 5] ?? '', {
      messages: [{ role: 'user', content: questionOf(row) }],
      max_tokens: 8,
    })(row),
  );
  const batch = await run('/v1/chat/completions', text);
  expect(batch).toMatchObject({ status: 'completed', request_counts: { total: 40, completed: 40, failed: 0 } });
  const rows = await readFile(batch.output_file_id);
  expect(rows.map(({ custom_id }) => custom_id)).toEqual(allIds(40));
  const engineNames = ['echo', 'tickets', 'far-a', 'far-b', 'echo'];
  expect(rows.map(({ response }) => response.body.model)).toEqual(rows.map((_, row) => engineNames[row % 5]));
  expect(upstream.stats.requests).toBe(16);

  // What the bill says of each model is what is in the file.
  const day = (add: number) => new Date(Date.now() + add * 86_400_000).toISOString();
  const { body } = await server.ask('GET', `billingUsage?startTime=${day(-1)}&endTime=${day(1)}&groupBy=model_name`);
  const sumOf = (name: string) =>
    rows.reduce((sum, { response }) => sum + (response.body.model === name ? response.body.usage.completion_tokens : 0), 0);
  const billed = new Map<string, number>();
  for (const { modelName, completionTokens } of body.serverlessCosts) {
    const model = modelName.split('/').at(-1);
    billed.set(model, (billed.get(model) ?? 0) + Number(completionTokens));
  }
  expect(billed).toEqual(new Map(['echo', 'far-a', 'far-b', 'tickets'].map((name) => [name, sumOf(name)])));
});

test('rows that their model cannot answer, or that name none, fail the batch line by line before any runs', async () => {
  const { run, upstream } = await openServer();
  const names = ['echo', 'tickets', 'far-a', 'nobody'];
  const text = makeRows(4, (row) => rowFor('/v1/embeddings', names[row] ?? '', { input: 'x' })(row));
  const mixed = `${text}${JSON.stringify({ ...rowFor('/v1/completions', 'echo', { prompt: 'x' })(4) })}\n`;
  const batch = await run('/v1/embeddings', mixed);
  expect(batch).toMatchObject({ status: 'failed', output_file_id: null, error_file_id: null });
  expect(batch.errors?.data?.map(({ line, code, param }) => [line, code, param])).toEqual([
    [4, 'model_not_found', 'body.model'],
    [5, 'url_mismatch', 'url'],
  ]);
  const without = await run('/v1/embeddings', text.split('\n').slice(0, 3).join('\n'));
  expect(without.errors?.data?.map(({ line, code, message }) => [line, code, message])).toEqual([
    [
      2,
      'model_does_not_support_endpoint',
      expect.stringContaining(
        'accounts/boatload/models/tickets answers /v1/chat/completions, /v1/completions, not /v1/embeddings',
      ),
    ],
  ]);
  expect(upstream.stats.requests).toBe(0);
});

test('a job of the other dialect runs rows of this one on its own model', async () => {
  const { server } = await openServer();
  await server.upload('in', makeRows(5, rowFor('/v1/embeddings', 'nobody', { input: 'x' })));
  const wish = { model: 'echo', inputDatasetId: 'in', outputDatasetId: 'out', inferenceParameters: { maxTokens: 5 } };
  await server.createJob('theirs', wish);
  expect(await server.waitForJob('theirs', isOver)).toMatchObject({
    state: 'JOB_STATE_COMPLETED',
    model: 'accounts/boatload/models/echo',
    jobProgress: { successfullyProcessedRequests: 5 },
  });
});
