/** `boatload webhooks` at a server that runs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { START_MS, startServer, type TestServer } from '../client/server.ts';
import { makeTyping } from './on-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
}, START_MS);
afterAll(() => server?.close());

const type = makeTyping(() => server, 'boatload');
const columnsOf = (line = '') => line.split(/ {2,}/);

test('a webhook is added, listed, tried and deleted; stdout has its secret alone', async () => {
  const added = await type('webhooks', '--add', 'https://hooks.invalid/jobs', '--name', 'ops');
  expect(added).toMatchObject({ code: 0, stdout: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=\n$/) });
  expect(added.stderr).toMatch(/✓ ops is told when jobs end/);
  const [heading, line] = (await type('webhooks')).stdout.split('\n');
  expect(columnsOf(heading)).toEqual(['WEBHOOK', 'STATE', 'EVENTS', 'URL']);
  expect(columnsOf(line)).toEqual(['ops', 'on', 'completed, failed, expired, cancelled', 'https://hooks.invalid/jobs']);
  expect((await type('webhooks', 'ops')).stdout.split('\n').length).toBe(2);
  const [, sent] = (await type('webhooks', 'ops', '--test')).stdout.split('\n');
  expect(sent).toMatch(/^batch\.completed +test +PENDING +[01] /);
  expect((await type('webhooks', 'ops', '--delete')).code).toBe(0);
  expect(await type('webhooks', 'ops')).toMatchObject({ code: 5, stderr: expect.stringContaining('WEBHOOK_NOT_FOUND') });
});

test('an address that is nobody else’s business is refused in words', async () => {
  const refused = await type('webhooks', '--add', 'http://127.0.0.1:9');
  expect(refused).toMatchObject({ stdout: '', stderr: expect.stringContaining('private address') });
  expect(refused.code).not.toBe(0);
});
