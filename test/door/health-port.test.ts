import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findFreePort } from '../../src/torture/free-port.ts';
import { makeFolder } from '../support/folder.ts';
import { startHttpEngine } from '../support/http-engine.ts';
import { boatload } from '../support/program.ts';
import { makeRows } from '../support/rows.ts';
import { startServer } from './server.ts';

const readMetric = (text: string, metric: string): number | undefined => {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${metric} `));
  return line === undefined ? undefined : Number(line.slice(metric.length));
};

test('the health port tells what there is to do, what was done, and that the process is ready', async () => {
  const cwd = await makeFolder();
  const port = await findFreePort();
  await writeFile(join(cwd, 'boatload.yaml'), `healthPort: ${port}\nengines: [echo]\njobWindowSeconds: 86400\n`);
  const server = await startServer(cwd, '--config', 'boatload.yaml');
  const health = `http://127.0.0.1:${port}`;
  const read = async (): Promise<string> => (await fetch(`${health}/metrics`)).text();

  const before = await read();
  expect(before).toMatch(/^boatload_build_info\{version="[^"]+",node="[^"]+"\} 1$/m);
  expect(before).toMatch(/^process_resident_memory_bytes \d+/m);
  expect(readMetric(before, 'boatload_open_tasks{kind="shard"}')).toBe(0);
  expect(readMetric(before, 'boatload_rows_total{result="ok"}')).toBe(0);

  await server.upload('in', makeRows(30));
  await server.createJob('job', { model: 'echo', inputDatasetId: 'in', outputDatasetId: 'out' });
  await server.waitForJob('job', ({ state }) => state === 'JOB_STATE_COMPLETED');
  const after = await read();
  expect(readMetric(after, 'boatload_rows_total{result="ok"}')).toBe(30);
  expect(readMetric(after, 'boatload_tokens_total{kind="output"}')).toBeGreaterThan(0);
  expect(readMetric(after, 'boatload_commits_total{result="accepted"}')).toBeGreaterThan(0);
  expect(readMetric(after, 'boatload_commits_total{result="refused"}')).toBe(0);
  expect(readMetric(after, 'boatload_leases_taken_total')).toBeGreaterThan(0);
  expect(readMetric(after, 'boatload_leases_held')).toBe(0);
  expect(readMetric(after, 'boatload_rows_uncommitted')).toBe(0);
  expect(after).toMatch(/^boatload_engine_ready\{engine="[^"]+",model="accounts\/boatload\/models\/echo"\} 1$/m);

  expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
  expect(await boatload(['health', '--config', 'boatload.yaml'], { cwd })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"status":"ok"'),
  });
  server.program.signal('SIGTERM');
  expect((await server.program.ended).code).toBe(0);
  const gone = await boatload(['health', '--url', health], { cwd });
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('does not answer') });
});

test('what is under way can be seen while it is', async () => {
  const cwd = await makeFolder();
  const port = await findFreePort();
  const engine = await startHttpEngine({ latency: [60_000, 60_000] });
  onTestFinished(() => engine.close());
  const server = await startServer(cwd, '--health-port', `${port}`, '--engine', engine.url);
  await server.upload('in', makeRows(5));
  await server.createJob('job', { model: 'test-model', inputDatasetId: 'in', outputDatasetId: 'out' });
  await engine.until(() => engine.stats.requests > 0);
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(readMetric(text, 'boatload_open_jobs{state="RUNNING"}')).toBe(1);
  expect(readMetric(text, 'boatload_open_tasks{kind="shard"}')).toBe(1);
  expect(await (await fetch(`http://127.0.0.1:${port}/open-tasks`)).json()).toEqual({ plan: 0, shard: 1, merge: 0 });
  expect(readMetric(text, 'boatload_leases_held')).toBe(1);
  expect(text).toMatch(/^boatload_engine_in_flight\{engine="[^"]+",model="accounts\/boatload\/models\/test-model"\} [1-5]$/m);
  await server.program.killAll();
});

test('boatload config prints what is in force and who said so, and no secret', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'c.yaml'), 'maxDatasetBytes: 5\nlistenHost: 0.0.0.0\n');
  const env = {
    ...{ DATABASE_URL: 'postgres://u:hush@h/n', BOATLOAD_CONFIG: 'c.yaml', BOATLOAD_ANY_PARAMETERS: '1' },
    BOATLOAD_ENGINES: 'http://a:8000,http://u:hush@b:8000/v1',
  };
  const shown = await boatload(['config'], { cwd, env });
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toMatch(/^maxDatasetBytes: 5 +# .*c\.yaml:1$/m);
  expect(shown.stdout).toMatch(/^anyParameters: 1 +# the environment$/m);
  expect(shown.stdout).toMatch(/^# databaseUrl: \(hidden\) +# the environment$/m);
  expect(shown.stdout).toMatch(/^# engines: \(hidden\) +# the environment$/m);
  expect(shown.stdout).toMatch(/^# liveQueue: 128 +# BOATLOAD_LIVE_QUEUE$/m);
  expect(shown.stdout).not.toContain('hush');
  // What it prints is a config file with the same meaning.
  await writeFile(join(cwd, 'again.yaml'), shown.stdout);
  const again = JSON.parse((await boatload(['config', '--config', 'again.yaml', '--json'], { cwd })).stdout) as {
    key: string;
    value: string | null;
  }[];
  const set = again.filter(({ value }) => value !== null).map(({ key, value }) => [key, value]);
  expect(Object.fromEntries(set)).toEqual({ maxDatasetBytes: '5', listenHost: '0.0.0.0', anyParameters: '1' });
  await writeFile(join(cwd, 'bad.yaml'), 'maxDatasetByte: 5\n');
  expect(await boatload(['up', '--config', 'bad.yaml'], { cwd })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Did you mean maxDatasetBytes?'),
  });
});
