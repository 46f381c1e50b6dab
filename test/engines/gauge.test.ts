import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { readGauge } from '../../src/engines/gauge.ts';
import { makePool } from '../../src/engines/pool.ts';
import { openUpstream } from '../../src/engines/upstream.ts';

test.each([
  [
    'vLLM',
    'vllm:num_requests_running{engine="0",model_name="a b"} 3.0\nvllm:num_requests_waiting{engine="0",model_name="a b"} 2.0\nvllm:num_requests_waiting_by_reason{reason="capacity"} 9.0\n',
  ],
  [
    'several vLLM models',
    'vllm:num_requests_running{model_name="a"} 1.0\nvllm:num_requests_running{model_name="b"} 2.0\nvllm:num_requests_waiting{model_name="a"} 2.0\n',
  ],
  [
    'SGLang',
    '# TYPE sglang:num_running_reqs gauge\nsglang:num_running_reqs{model_name="m"} 3.0\nsglang:num_queue_reqs{model_name="m"} 2.0\n',
  ],
  ['llama-server', 'llamacpp:requests_processing 3\nllamacpp:requests_deferred 2\n'],
  ['our own engine', 'boatload_engine_requests_running 3\nboatload_engine_requests_waiting 2 1700000000000\n'],
])('reads what %s shows', (_, text) => {
  expect(readGauge(text)).toEqual({ running: 3, waiting: 2 });
});

test('a text without such a gauge has none', () => {
  expect(readGauge('process_cpu_seconds_total 3\n')).toBeUndefined();
  expect(readGauge('<html>vllm:num_requests_running</html>')).toBeUndefined();
});

/** Answers after a moment, and shows that it has room whatever comes. */
async function startEngine(metrics: string | undefined): Promise<{ readonly url: string; readonly looks: () => number }> {
  let looks = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url === '/metrics') {
        looks += 1;
        response.writeHead(metrics === undefined ? 404 : 200).end(metrics);
      } else setTimeout(() => response.end('{"choices":[{"message":{"content":"yes"}}],"usage":{}}'), 2_500);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('It listens on no port.');
  return { url: `http://127.0.0.1:${address.port}`, looks: () => looks };
}

async function fill(url: string, requests: number) {
  const engine = openUpstream({ baseUrl: url });
  const pool = makePool([{ engine, model: 'm' }]);
  onTestFinished(async () => {
    pool.close();
    await engine.close();
  });
  const { signal } = new AbortController();
  await Promise.all(
    Array.from({ length: requests }, async () => {
      const slot = await pool.acquire('account', signal);
      await slot.answer({ path: '/v1/chat/completions', body: [Buffer.from('{}')] }, signal);
      slot.release({ verdict: 'success', status: 200, refused: false, cause: 'answered', message: '' });
    }),
  );
  return pool.status()[0];
}

test('an engine that shows room gets more before it has answered anything', async () => {
  const { url, looks } = await startEngine('vllm:num_requests_running 16\nvllm:num_requests_waiting 0\n');
  const status = await fill(url, 40);
  expect(looks()).toBeGreaterThan(0);
  expect(status?.limit).toBeGreaterThanOrEqual(32);
  expect(status?.why).toBe('as many as its gauge shows that it can use');
});

test('an engine that shows nothing is asked once', async () => {
  const { url, looks } = await startEngine(undefined);
  const status = await fill(url, 40);
  expect(looks()).toBe(1);
  expect(status?.why).not.toContain('gauge');
});
