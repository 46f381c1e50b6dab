/** `boatload up` tells a webhook when a job ends, also of a job that ended just before it was killed. */
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { startReceiver } from '../support/receiver.ts';
import { isOver, startServer } from './server.ts';

const ROW = '{"custom_id":"a","body":{"messages":[{"role":"user","content":"hi"}]}}\n';

test('an ended job is told, signed with the secret that was shown, over a kill and a start too', async () => {
  process.env['BOATLOAD_WEBHOOKS_ALLOW_PRIVATE'] = '1'; // Programs get the environment of the tests.
  const receiver = await startReceiver((response) => void response.writeHead(503).end());
  try {
    const cwd = await makeFolder();
    const first = await startServer(cwd, '--model', 'echo');
    const { status, body: hook } = await first.ask('POST', 'webhooks', { url: receiver.url });
    expect(status).toBe(200);
    await first.upload('in', ROW);
    await first.createJob('job', { model: 'echo', inputDatasetId: 'in' });
    await first.waitForJob('job', isOver);
    await expect.poll(() => receiver.received.length, { timeout: 60_000 }).toBeGreaterThan(0);
    await first.program.killAll();
    receiver.answer();
    const before = receiver.received.length;
    await startServer(cwd, '--model', 'echo');
    await expect.poll(() => receiver.received.length, { timeout: 90_000 }).toBeGreaterThan(before);
    const { headers, body } = receiver.received.at(-1) ?? { headers: {}, body: '' };
    const { webhooks } = new OpenAI({ apiKey: 'none', webhookSecret: hook.secret });
    const event = await webhooks.unwrap(body, headers as Record<string, string>);
    expect(event).toMatchObject({ type: 'batch.completed', data: { id: 'batch_job' } });
    expect(new Set(receiver.received.map((each) => each.headers['webhook-id'])).size).toBe(1);
  } finally {
    delete process.env['BOATLOAD_WEBHOOKS_ALLOW_PRIVATE'];
    await receiver.close();
  }
});
