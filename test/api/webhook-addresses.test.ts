/** Where a server that is not told otherwise lets webhooks lead to. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDoor } from './door.ts';

let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

const HOOKS = '/v1/accounts/acme/webhooks';

test.each([
  ...[
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '0',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
  ],
  ...['100.64.0.1', '[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[fd00::1]', '[fe80::1]', '[64:ff9b::7f00:1]'],
  ...['localhost', 'LOCALHOST.', 'api.localhost', '127.0.0.1.', '①②⑦.⓪.⓪.①'],
])('not to %s', async (host) => {
  const refused = await door.askJson(HOOKS, { body: { url: `http://${host}:8080/hook` } });
  expect([refused.status, refused.body.details[0]?.reason]).toEqual([400, 'WEBHOOK_URL_INVALID']);
  expect(refused.body.message).toContain('private address');
});

test.each(['1.1.1.1', '[2606:4700:4700::1111]', 'example.com', 'localhost.example.com', 'my-localhost'])(
  'to %s, and to no other when it is changed',
  async (host) => {
    const made = await door.askJson(HOOKS, { body: { url: `https://${host}/hook` } });
    expect(made.status).toBe(200);
    const path = `/v1/${made.body.name}`;
    expect((await door.askJson(path, { method: 'PATCH', body: { url: 'http://10.0.0.1/' } })).status).toBe(400);
    expect((await door.askJson(path)).body).toMatchObject({ url: `https://${host}/hook` });
  },
);
