/** The contract's acceptance checklist, against the published program: what becomes of rows. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseLines } from '../../support/rows.ts';
import { type ContractServer, MODEL, type Reply, rowOf, startContractServer } from './server.ts';

const CONTEXT = 4_096;
/** What the engine does with a row now, and what it was asked. */
const engine: { does: (marker: string) => { status: number; body?: string } | undefined } = { does: () => undefined };
const asked = new Map<string, Reply>();
let server: ContractServer;
beforeAll(async () => {
  server = await startContractServer({
    models: [{ id: 'llama-v3p1-8b-instruct', max_model_len: CONTEXT }],
    script: ({ marker, body }) => {
      asked.set(marker, body);
      return engine.does(marker);
    },
  });
});
afterAll(() => server?.close());

/** Runs rows to the end, and says what came out. */
const run = async (id: string, text: string, wish: object = {}) => {
  await server.upload(`${id}-in`, text);
  await server.createJob(id, { model: MODEL, inputDatasetId: `${id}-in`, outputDatasetId: `${id}-out`, ...wish });
  const job = await server.untilState(id, 'COMPLETED', 'FAILED');
  if (job.state === 'JOB_STATE_FAILED') return { job, results: [], errors: [] };
  const files = await server.download(`${id}-out`);
  return {
    job,
    results: parseLines(files[`dataset/${id}-out/BIJOutputSet.jsonl`] ?? ''),
    errors: parseLines(files[`dataset/${id}-out/error-data`] ?? ''),
  };
};

test.each([
  [
    'a role nobody knows',
    '{"custom_id":"x","body":{"messages":[{"role":"robot","content":"x"}]}}',
    'invalid role robot in message 1',
  ],
  ['a duplicate custom_id', rowOf('good').trim(), 'good'],
  ['no custom_id', '{"body":{"messages":[{"role":"user","content":"x"}]}}', 'custom_id'],
  ['no body', '{"custom_id":"x"}', 'body'],
  ['no object', '[1]', 'object'],
  ['no JSON', '{"custom_id":', 'JSON'],
])('with %s the whole job fails, says the line, and writes nothing', async (what, line, words) => {
  const id = what.replaceAll(/\W+/g, '-').toLowerCase().replaceAll('_', '-');
  const { job } = await run(`bad-${id}`, `${rowOf('good')}\n${line}\n`);
  expect(job.status.code).toBe('INVALID_ARGUMENT');
  const begins = `Dataset has a syntax error: chat dataset validation failed on bad-${id}-in.jsonl:3: `;
  expect(job.status.message.slice(0, begins.length)).toBe(begins);
  expect(job.status.message).toContain(words);
  expect((await server.ask('GET', `datasets/bad-${id}-out`)).status).toBe(404);
});

test('blank lines, CRLF and a BOM are nothing; method, url and stream are tolerated', async () => {
  const rows = ['plain', 'windows'].map((id) => rowOf(id).trim());
  const openAi = {
    custom_id: 'open',
    method: 'POST',
    url: '/v1/chat/completions',
    body: { messages: [{ role: 'user', content: '[[open]]' }] },
  };
  const { results } = await run('lines', `\uFEFF${rows[0]}\r\n\r\n${rows[1]}\n   \n${rowOf('streamed', { stream: true })}`);
  expect(results.map(({ custom_id }) => custom_id)).toEqual(['plain', 'windows', 'streamed']);
  expect(asked.get('streamed')).not.toHaveProperty('stream', true);
  const other = await run('lines-open', JSON.stringify(openAi));
  expect(other.results.map(({ custom_id }) => custom_id)).toEqual(['open']);
});

test("the row's own field wins, then the job's typed one, then its extraBody", async () => {
  await run('layers', rowOf('row-says', { temperature: 0.9, max_tokens: 5 }) + rowOf('job-says'), {
    inferenceParameters: { temperature: 0.2, maxTokens: 50, extraBody: '{"temperature":0.7,"seed":4,"stop":["x"]}' },
  });
  expect(asked.get('row-says')).toMatchObject({ temperature: 0.9, max_tokens: 5, seed: 4, stop: ['x'] });
  expect(asked.get('job-says')).toMatchObject({ temperature: 0.2, max_tokens: 50, seed: 4, stop: ['x'] });
  expect(asked.get('job-says').model).toBe('llama-v3p1-8b-instruct');
});

test('the system prompt goes before rows that have none of their own; token ids leave no place for it', async () => {
  const messages = [
    { role: 'system', content: 'Mine.' },
    { role: 'user', content: '[[has-own]]' },
  ];
  const own = `${JSON.stringify({ custom_id: 'has-own', body: { messages } })}\n`;
  await run('prompted', own + rowOf('has-none'), { systemPrompt: 'Ours.' });
  expect(asked.get('has-own').messages).toEqual(messages);
  expect(asked.get('has-none').messages).toEqual([
    { role: 'system', content: 'Ours.' },
    { role: 'user', content: '[[has-none]]' },
  ]);
  const tokens = '{"custom_id":"t","body":{"prompt_token_ids":[1,2]}}\n';
  expect((await run('prompted-tokens', tokens, { systemPrompt: 'Ours.' })).job.state).toBe('JOB_STATE_FAILED');
});

test('what the engine refuses of a row fails that row alone, with its code and words', async () => {
  const message = "Extra inputs are not permitted, field: 'foo', value: 1";
  engine.does = (marker) => (marker === 'odd' ? { status: 400, body: JSON.stringify({ error: { message } }) } : undefined);
  const { job, results, errors } = await run('partly', rowOf('odd', { foo: 1 }) + rowOf('fine'));
  engine.does = () => undefined;
  expect(job).toMatchObject({
    state: 'JOB_STATE_COMPLETED',
    jobProgress: { percent: 100, successfullyProcessedRequests: 1, failedRequests: 1, outputRows: 2 },
  });
  expect(results.map(({ custom_id }) => custom_id)).toEqual(['fine']);
  expect(errors).toEqual([{ custom_id: 'odd', error: { code: 400, message, type: expect.any(String) } }]);
  expect(results.every((line) => Object.keys(line).join() === 'custom_id,response')).toBe(true);
});

test('all failed: still COMPLETED, and the file of answers is empty', async () => {
  engine.does = () => ({ status: 422 });
  const { job, results, errors } = await run('none', rowOf('a1') + rowOf('b1'));
  engine.does = () => undefined;
  expect(job.jobProgress).toMatchObject({ percent: 100, failedRequests: 2, outputRows: 2, inputTokens: 0 });
  expect([results.length, errors.length]).toEqual([0, 2]);
});

test('more tokens than the model has are lowered to what it has, and are no error', async () => {
  const { job } = await run('clamped', rowOf('greedy', { max_tokens: 900_000 }) + rowOf('modest', { max_tokens: 12 }), {
    inferenceParameters: { maxTokens: 800_000 },
  });
  expect(job).toMatchObject({ jobProgress: { successfullyProcessedRequests: 2 }, inferenceParameters: { maxTokens: 800_000 } });
  expect(asked.get('greedy').max_tokens).toBeLessThanOrEqual(CONTEXT);
  expect(asked.get('greedy').max_tokens).toBeGreaterThan(CONTEXT / 2);
  expect(asked.get('modest').max_tokens).toBe(12);
});
