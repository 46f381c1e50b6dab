/** The pages about clients: every example in them runs, and does what is said. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeClient } from '../../src/client/client.ts';
import { blocksOf, makeDocFolder } from '../support/doc-blocks.ts';
import { startNode } from '../support/program.ts';
import { allIds, idOf, makeRow, makeRows, readLines } from '../support/rows.ts';
import { MODEL, START_MS, startServer, type TestServer } from './server.ts';

let server: TestServer;
/** Rows from this one on get no answer. */
let held = Number.POSITIVE_INFINITY;
beforeAll(async () => {
  server = await startServer(
    { script: ({ marker }) => (marker >= idOf(held) ? 'hang' : undefined) },
    { BOATLOAD_WEBHOOKS_ALLOW_PRIVATE: '1' },
  );
}, START_MS);
afterAll(() => server?.close());

/** The same program with a model that says the same every time. */
const onModel = (code: string): string => code.replaceAll("'tickets'", `'${MODEL}'`);

/** Rows as the page shows them. */
const rowsOf = (count: number): string =>
  makeRows(count, (row) => {
    const { custom_id, body } = makeRow(row, { model: MODEL });
    return { custom_id, method: 'POST', url: '/v1/chat/completions', body };
  });

test('docs/clients.md: both clients do the same task, and the list has what they did', async () => {
  const { folder, runTs } = await makeDocFolder(() => server);
  writeFileSync(join(folder, 'prompts.jsonl'), rowsOf(25));
  const [openai = '', boatload = '', list = '', ...others] = blocksOf('docs/clients.md', 'ts');
  expect([others, blocksOf('docs/clients.md', 'sh')]).toEqual([[], []]);
  expect(await runTs(openai)).toBe('completed 25\n');
  expect(await runTs(onModel(boatload))).toBe('JOB_STATE_COMPLETED 25\n');
  interface OpenAiLine {
    readonly custom_id: string;
    readonly response: { readonly body: { readonly choices: unknown } };
  }
  const theirs = readLines<OpenAiLine>(join(folder, 'answers.jsonl')).map(({ custom_id, response }) => [
    custom_id,
    response.body.choices,
  ]);
  const ours = readLines(join(folder, 'BIJOutputSet.jsonl')).map(({ custom_id, response }) => [custom_id, response?.choices]);
  expect(theirs).toEqual(ours);
  expect(ours.map(([id]) => id)).toEqual(allIds(25));
  expect((await runTs(list)).trim().split('\n')).toEqual([
    expect.stringMatching(/batchInferenceJobs\/sort-1 .*test-engine 25$/),
    expect.stringMatching(/batchInferenceJobs\/\w{24} .*test-engine 25$/),
  ]);
  // What is refused is said in the words of the server.
  await expect(runTs(onModel(boatload))).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^ALREADY_EXISTS \(DATASET_EXISTS\)/),
  });
});

test('docs/results.md: every way gives the rows that are there, and the place that was kept leads to the rest', async () => {
  const { folder, runTs, runSh } = await makeDocFolder(() => server);
  held = 8;
  const client = makeClient({ baseUrl: server.url, apiKey: server.apiKey });
  await client.uploadDataset({ datasetId: 'nightly-in' }, [{ name: 'in.jsonl', content: new Blob([rowsOf(20)]) }]);
  await client.jobs.create({ model: MODEL, inputDatasetId: 'nightly-in' }, { id: 'nightly' });
  const committed = async () => (await client.jobs.get('nightly')).jobProgress?.outputRows;
  await expect.poll(committed, { timeout: 60_000 }).toBe(8);

  const [byHand = '', openai = '', follow = '', ...others] = blocksOf('docs/results.md', 'ts');
  const [atPrompt = '', ...otherCommands] = blocksOf('docs/results.md', 'sh');
  expect([others, otherCommands]).toEqual([[], []]);
  expect(await runTs(byHand)).toBe('8 rows, complete: false\n');
  expect(await runTs(openai)).toBe('in_progress: 8 rows, complete: false\n');
  await runSh(atPrompt);
  expect(
    readLines(join(folder, 'so-far.jsonl'))
      .map(({ custom_id }) => custom_id)
      .toSorted(),
  ).toEqual(allIds(8));
  expect(existsSync(join(folder, 'place'))).toBe(true);

  held = Number.POSITIVE_INFINITY;
  server.engine.cutConnections();
  const lines = (await runTs(follow)).trim().split('\n');
  expect(lines.at(-1)).toBe('12 more rows');
  expect(lines.slice(0, -1).toSorted()).toEqual(
    allIds(20)
      .slice(8)
      .map((id) => `${id} ${id}`),
  );
});

test('README.md: OpenAI’s client makes a batch and asks live', async () => {
  const { folder, runTs } = await makeDocFolder(() => server);
  writeFileSync(join(folder, 'prompts.jsonl'), rowsOf(3));
  const program = onModel(blocksOf('README.md', 'ts').join('')).replace('http://127.0.0.1:8080', server.url);
  expect(await runTs(program)).toMatch(/id: 'batch_\w{24}'[\s\S]*\}\nHow do I print a newsletter\?$/);
});

test('docs/webhooks.md: the receiver reads what is sent, with the secret that was shown', async () => {
  const { folder, runSh } = await makeDocFolder(() => server);
  const [commands = ''] = blocksOf('docs/webhooks.md', 'sh');
  expect(await runSh(commands)).toMatch(/ops +on +completed, failed, expired, cancelled/);
  const [receiver = ''] = blocksOf('docs/webhooks.md', 'ts');
  writeFileSync(join(folder, 'receiver.ts'), receiver.replace('3000', '0'));
  const env = { WEBHOOK_SECRET: readFileSync(join(folder, 'secret'), 'utf8').trim() };
  const program = startNode(['receiver.ts'], { cwd: folder, env });
  const [, port] = await program.says(/listening on (\d+)/);
  const { webhooks } = makeClient({ baseUrl: server.url, apiKey: server.apiKey });
  await webhooks.update('ops', { url: `http://127.0.0.1:${port}/` });
  await webhooks.test('ops');
  await program.says(/batch\.completed batch_\w+/);
});

test('docs/server.md: users and keys are made as it says', async () => {
  const { runSh } = await makeDocFolder(() => server);
  const [commands = ''] = blocksOf('docs/server.md', 'sh');
  expect(await runSh(commands.replaceAll(/^firectl/gm, 'boatload'))).toMatch(/bl_[\s\S]*nightly/);
});

test('docs/coming-from.md: the lines of run-batch run', async () => {
  const { folder, runSh } = await makeDocFolder(() => server);
  writeFileSync(join(folder, 'prompts.jsonl'), rowsOf(3));
  const [command = ''] = blocksOf('docs/coming-from.md', 'sh');
  await runSh(command.replace('$ENGINE_URL', server.engine.url));
  expect(readLines(join(folder, 'answers.jsonl')).map(({ custom_id }) => custom_id)).toEqual(allIds(3));
});
