/** A server whose memory holds one of its models at a time. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeRandomModel } from '../../models/random/make-random-model.ts';
import { findFreePort } from '../../src/torture/free-port.ts';
import { makeFolder } from '../support/folder.ts';
import { boatload } from '../support/program.ts';
import { makeRows } from '../support/rows.ts';
import { isOver, type Reply, startServer } from './server.ts';

const TIMEOUT_MS = 240_000;
const ROWS = 24;

test(
  'two jobs on two models finish though memory holds one; idle models leave it, say so, and answer the next live request',
  async () => {
    const cwd = await makeFolder();
    makeRandomModel(join(cwd, 'one.gguf'), { readable: true });
    makeRandomModel(join(cwd, 'two.gguf'), { readable: true, seed: 2 });
    const port = await findFreePort();
    const settings = `healthPort: ${port}\nmodels: [./one.gguf, ./two.gguf]\nunloadIdleSeconds: 2\nmodelMemoryBytes: 56000000\n`;
    await writeFile(join(cwd, 'boatload.yaml'), settings);
    const server = await startServer(cwd, '--config', 'boatload.yaml');
    await server.upload('in', makeRows(ROWS));
    for (const model of ['one', 'two'])
      await server.createJob(model, { model, inputDatasetId: 'in', inferenceParameters: { maxTokens: 40 } });
    for (const job of ['one', 'two']) {
      const ended = await server.waitForJob(job, isOver);
      expect(ended).toMatchObject({ state: 'JOB_STATE_COMPLETED', jobProgress: { successfullyProcessedRequests: ROWS } });
    }

    const authorization = `Bearer ${server.apiKey}`;
    const statusOf = async (model: string): Promise<unknown> => {
      const reply = await fetch(`${server.url}/v1/accounts/boatload/models/${model}`, { headers: { authorization } });
      const { status }: Reply = await reply.json();
      return status;
    };
    const unloaded = { code: 'OK', message: 'Not in memory now: the next request loads it.' };
    for (const model of ['one', 'two']) await expect.poll(() => statusOf(model), { timeout: 20_000 }).toEqual(unloaded);
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const flags = [...metrics.matchAll(/^boatload_engine_unloaded\{engine="[^"]+",model="[^"]+\/(one|two)"\} (\d)$/gm)];
    expect(flags.map(([, model, flag]) => [model, flag]).toSorted()).toEqual([
      ['one', '1'],
      ['two', '1'],
    ]);
    const env = { BOATLOAD_BASE_URL: server.url, BOATLOAD_API_KEY: server.apiKey };
    const listed = await boatload(['models'], { cwd, env });
    expect(listed.stdout).toMatch(/^one +ready, unloaded/m);

    const live = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'one', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 8 }),
    });
    expect(live.status).toBe(200);
    expect(await statusOf('one')).toEqual({ code: 'OK', message: '' });
  },
  TIMEOUT_MS,
);
