/**
 * Nothing lost and nothing twice, seen from outside: the server is killed again and again while jobs of both dialects run on two engines, and what it says and
 * gives in the end is held against the inputs, the answers and what a receiver of webhooks has heard.
 */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { isOver, type Reply, type Server, startServer } from '../door/server.ts';
import { makeFolder } from '../support/folder.ts';
import { type HttpEngine, type HttpEngineOptions, startHttpEngine } from '../support/http-engine.ts';
import { makeRandom } from '../support/kill.ts';
import { startBoatload } from '../support/program.ts';
import { startReceiver } from '../support/receiver.ts';
import { allIds, contentOf, makeRow, makeRows, parseLines, readLines, writeRows } from '../support/rows.ts';

const ROWS = 300;
const CHAT = '/v1/chat/completions';
const EMBEDDINGS = '/v1/embeddings';

beforeEach(() => void vi.stubEnv('BOATLOAD_WEBHOOKS_ALLOW_PRIVATE', '1')); // Programs get the environment of the tests.
afterEach(() => void vi.unstubAllEnvs());

const openEngine = async (options: HttpEngineOptions): Promise<HttpEngine> => {
  const engine = await startHttpEngine({ latency: [5, 60], ...options });
  onTestFinished(() => engine.close());
  return engine;
};

/** A row that asks with its own words: its job's name stands in them. */
const rowOf = (job: string, row: number, fields: object = {}) => {
  const { custom_id } = makeRow(row);
  const question = `[[${job} ${custom_id}]]`;
  return { custom_id, body: { messages: [{ role: 'user', content: question }], input: question, ...fields } };
};
const openaiRow = (job: string, url: string) => (row: number) => {
  const model = row % 3 > 0 ? 'alpha' : 'beta';
  return { ...rowOf(job, row, { model }), method: 'POST', url };
};

interface Line {
  readonly id: string;
  readonly custom_id: string;
  readonly response: {
    readonly body: {
      readonly choices: Reply;
      readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
    };
  } | null;
}

/** Asks the OpenAI half; a file that has no row is not there. */
const openai = (server: Server) => {
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}/v1/${path}`, { ...init, headers: { authorization: `Bearer ${server.apiKey}`, ...init.headers } });
  return {
    async createBatch(text: string, endpoint: string): Promise<string> {
      const form = new FormData();
      form.set('purpose', 'batch');
      form.set('file', new Blob([text]), 'in.jsonl');
      const file: Reply = await (await ask('files', { method: 'POST', body: form })).json();
      const body = JSON.stringify({ input_file_id: file.id, endpoint, completion_window: '24h' });
      const reply = await ask('batches', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      const made: Reply = await reply.json();
      return made.id.slice('batch_'.length);
    },
    batch: async (job: string): Promise<Reply> => (await ask(`batches/batch_${job}`)).json(),
    async lines(fileId: string | null): Promise<Line[]> {
      return fileId === null ? [] : parseLines<Line>(await (await ask(`files/${fileId}/content`)).text());
    },
  };
};

/** Reads on where the call before ended, and no more once that was the end: true then. */
const makeReader = (job: string) => {
  const ids: string[] = [];
  let token = '';
  let isComplete = false;
  return {
    ids,
    async read({ url, apiKey }: Server): Promise<boolean> {
      if (isComplete) return true;
      const path = `/v1/accounts/local/batchInferenceJobs/${job}:results?${new URLSearchParams({ pageToken: token })}`;
      const reply = await fetch(url + path, { headers: { authorization: `Bearer ${apiKey}` } });
      expect(reply.status).toBe(200);
      ids.push(...parseLines(await reply.text()).map(({ custom_id }) => custom_id));
      token = reply.headers.get('boatload-next-page-token') ?? '';
      isComplete = reply.headers.get('boatload-complete') === 'true';
      return isComplete;
    },
  };
};

test('kill -9 of the server, again and again, under jobs of both dialects: each row once, counted, billed and told', async () => {
  const cwd = await makeFolder();
  const receiver = await startReceiver();
  onTestFinished(() => receiver.close());
  const script: HttpEngineOptions['script'] = ({ marker, attempt }) => {
    if (marker.endsWith('7')) return attempt === 1 ? 'reset' : undefined;
    return marker.endsWith('13') ? { status: 400 } : undefined;
  };
  const engines = [
    await openEngine({ models: [{ id: 'alpha' }], script }),
    await openEngine({ models: [{ id: 'beta' }], script }),
    // Answers half of its rows.
    await openEngine({ models: [{ id: 'gamma' }], script: ({ marker }) => (/[5-9]$/.test(marker) ? 'hang' : undefined) }),
  ];
  const start = () => startServer(cwd, ...engines.flatMap(({ url }) => ['--engine', url]));
  let server = await start();
  expect((await server.ask('POST', 'webhooks', { url: receiver.url })).status).toBe(200);
  for (const job of ['plain', 'stopped'])
    await server.upload(
      job,
      makeRows(ROWS, (row) => rowOf(job, row)),
    );
  const createJob = (id: string, wish: object) => server.createJob(id, { outputDatasetId: `${id}-out`, ...wish });
  await createJob('plain', { model: 'alpha', inputDatasetId: 'plain' });
  await createJob('stopped', { model: 'gamma', inputDatasetId: 'stopped' });
  const mixed = await openai(server).createBatch(makeRows(ROWS, openaiRow('mixed', CHAT)), CHAT);
  const vectors = await openai(server).createBatch(makeRows(ROWS, openaiRow('vectors', EMBEDDINGS)), EMBEDDINGS);
  const readers = ['plain', 'stopped', mixed, vectors].map(makeReader);

  const random = makeRandom(Number(process.env['SEED'] ?? 5));
  const answered = () => engines.flatMap(({ calls }) => [...calls.values()]).reduce((sum, call) => sum + call.answered, 0);
  for (const rows of [100, 350, 600]) {
    const killAt = rows + Math.floor(100 * random());
    await expect.poll(answered, { timeout: 300_000 }).toBeGreaterThanOrEqual(killAt);
    await server.program.killAll();
    server = await start();
    for (const reader of readers) await reader.read(server);
  }
  await server.ask('POST', 'batchInferenceJobs/stopped:cancel', {});
  await server.waitForJob('stopped', isOver);
  await createJob('rest', { model: 'alpha', continuedFromJobName: 'accounts/local/batchInferenceJobs/stopped' });
  readers.push(makeReader('rest'));

  const answersOf = new Map<string, readonly string[]>();
  for (const [place, job] of ['plain', 'stopped', mixed, vectors, 'rest'].entries()) {
    const { state, jobProgress } = await server.waitForJob(job, isOver);
    expect(state).toBe(job === 'stopped' ? 'JOB_STATE_CANCELLED' : 'JOB_STATE_COMPLETED');
    const batch = await openai(server).batch(job);
    const answers = await openai(server).lines(batch.output_file_id);
    const errors = await openai(server).lines(batch.error_file_id);
    const idsOf = (lines: readonly Line[]) => lines.map(({ custom_id }) => custom_id);
    const all = idsOf([...answers, ...errors]).toSorted();
    answersOf.set(job, idsOf(answers));
    const asked = job === 'rest' ? allIds(ROWS).filter((id) => !answersOf.get('stopped')?.includes(id)) : allIds(ROWS);
    expect(all).toEqual(asked);
    const failed = errors.filter(({ response }) => response !== null);
    expect(batch.request_counts).toEqual({ total: asked.length, completed: answers.length, failed: errors.length });
    expect(jobProgress).toMatchObject({ successfullyProcessedRequests: answers.length, failedRequests: failed.length });
    expect(batch.usage).toMatchObject({ input_tokens: 10 * answers.length, output_tokens: 5 * answers.length });
    const word = { plain: 'plain', stopped: 'stopped', rest: 'stopped', [mixed]: 'mixed', [vectors]: 'vectors' }[job];
    const contents = answers.map(({ response }) => response?.body.choices[0].message.content);
    expect(contents).toEqual(idsOf(answers).map((id) => `${word} ${id}`));
    const reader = readers[place];
    while (!(await reader?.read(server)));
    expect(reader?.ids.toSorted()).toEqual(idsOf([...answers, ...failed]).toSorted());

    const heard = () => receiver.received.filter(({ body }) => JSON.parse(body).data.id === `batch_${job}`);
    await expect.poll(() => heard().length, { timeout: 120_000 }).toBeGreaterThan(0);
    expect(new Set(heard().map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    const { type } = JSON.parse(heard()[0]?.body ?? '');
    expect(type).toBe(job === 'stopped' ? 'batch.cancelled' : 'batch.completed');
  }
  const ok = [...answersOf.values()].flat().length;
  const days = new URLSearchParams({ startTime: '2020-01-01T00:00:00Z', endTime: '2100-01-01T00:00:00Z' });
  const { body: bill } = await server.ask('GET', `billing/summary?${days}`);
  const billed = (category: string) =>
    bill.lineItems
      .filter((item: Reply) => item.category === category)
      .reduce((sum: number, { quantity }: Reply) => sum + quantity, 0);
  expect(Math.round(1e6 * billed('Output tokens'))).toBe(5 * ok);
});

test('boatload run, killed and resumed over rows of several endpoints: each is asked at its own and there once', async () => {
  const cwd = await makeFolder();
  const paths = new Map<string, string>();
  const engine = await openEngine({
    script: ({ marker, path }) => {
      paths.set(marker, path);
      return undefined;
    },
  });
  const urls = [CHAT, '/v1/completions', EMBEDDINGS] as const;
  const urlOf = (row: number): string => urls[row % 3] ?? CHAT;
  writeRows(join(cwd, 'in.jsonl'), ROWS, (row) => {
    const { custom_id, body } = rowOf('run', row, { model: 'any' });
    const { messages, input, model } = body as typeof body & { readonly model: string };
    const asked = { [CHAT]: { messages }, '/v1/completions': { prompt: input }, [EMBEDDINGS]: { input } }[urlOf(row)];
    return { custom_id, method: 'POST', url: urlOf(row), body: { model, ...asked } };
  });
  const args = ['run', 'in.jsonl', '-o', 'out.jsonl', '--engine', engine.url, '--json', '--keep', '--resume'];
  const answered = () => [...engine.calls.values()].filter((call) => call.answered > 0).length;
  for (const rows of [60, 180]) {
    const program = startBoatload(args, { cwd });
    await Promise.race([engine.until(() => answered() >= rows), program.ended]);
    await program.killAll();
  }
  const { code, stdout, stderr } = await startBoatload(args, { cwd }).ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(JSON.parse(stdout)).toMatchObject({ total: ROWS, ok: ROWS, failed: 0, unfinished: 0 });
  expect(readLines(join(cwd, 'out.jsonl')).map(contentOf)).toEqual(allIds(ROWS).map((id) => `run ${id}`));
  expect(allIds(ROWS).map((id) => paths.get(`run ${id}`))).toEqual(allIds(ROWS).map((_, row) => urlOf(row)));
});
