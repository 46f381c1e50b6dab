/** OpenAI's dialect and the keys that are not good for it: those of other accounts, of weak roles, and dead ones. Every route, under every prefix. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueKey } from '../../src/actions/issue-key.ts';
import { OPENAI_PREFIXES } from '../../src/api/openai/openai-route.ts';
import { OPENAI_ROUTES } from '../../src/api/openai/routes.ts';
import type { UserRole } from '../../src/db/schema.ts';
import { formOf, openDoor } from './door.ts';

type Door = Awaited<ReturnType<typeof openDoor>>;

let door: Door;
/** What acme has, by the name that it goes by in paths. */
let acmes: Readonly<Record<string, string>>;
beforeAll(async () => {
  door = await openDoor();
  acmes = await makeAll(door);
});
afterAll(() => door.close());

async function makeAll({ ask }: Door) {
  const made = async (path: string, body: unknown) => ((await (await ask(path, { body })).json()) as { readonly id: string }).id;
  const form = formOf('{"custom_id":"a","method":"POST","url":"/v1/embeddings","body":{"model":"tickets","input":"x"}}\n');
  form.set('purpose', 'batch');
  const file_id = await made('/v1/files', form);
  const upload_id = await made('/v1/uploads', { filename: 'x', bytes: 3, purpose: 'batch', mime_type: 'x' });
  const wish = { input_file_id: file_id, endpoint: '/v1/embeddings', completion_window: '24h' };
  return { file_id, upload_id, batch_id: await made('/v1/batches', wish), model_id: 'nothing' };
}

const part = () => {
  const form = new FormData();
  form.set('data', new Blob(['abc']), 'part');
  return form;
};

/** Bodies that are good, but for whose things they name. */
const bodyOf = (path: string): unknown =>
  ({
    '/v1/files': withPurpose(formOf('{}\n')),
    '/v1/uploads': { filename: 'x', bytes: 3, purpose: 'batch', mime_type: 'x' },
    '/v1/uploads/{upload_id}/parts': part(),
    '/v1/uploads/{upload_id}/complete': { part_ids: ['part_x'] },
    '/v1/batches': { input_file_id: acmes['file_id'], endpoint: '/v1/embeddings', completion_window: '24h' },
  })[path] ?? { model: 'nothing', messages: [{ role: 'user', content: 'x' }] };

const withPurpose = (form: FormData): FormData => {
  form.set('purpose', 'batch');
  return form;
};

const askAs = (key: string | null, route: (typeof OPENAI_ROUTES)[number], prefix = '/v1') =>
  door.ask(
    route.path.replace('/v1', prefix).replaceAll(/{(\w+)}/g, (_, name: string) => acmes[name] ?? ''),
    {
      key,
      method: route.method.toUpperCase(),
      ...(route.method === 'post' && { body: bodyOf(route.path) }),
    },
  );

const codeOf = async (reply: Response) => ((await reply.json()) as { readonly error: { readonly code: string } }).error.code;

/** All that acme can see of its own. */
const stateOfAcme = async () => {
  const paths = ['/v1/files', '/v1/batches', `/v1/batches/${acmes['batch_id']}`, `/v1/files/${acmes['file_id']}/content`];
  return [...(await Promise.all(paths.map(async (path) => (await door.ask(path)).text()))), ...(await door.objectKeys())];
};

const titled = OPENAI_ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const);
const NAMING = titled.filter(([, { path }]) => path.includes('{') || path === '/v1/batches');

describe.each(OPENAI_PREFIXES)('under %s', (prefix) => {
  test.each(NAMING)('%s: what is of another account does not exist', async (_, route) => {
    const before = await stateOfAcme();
    const reply = await askAs(door.keys.bob, route, prefix);
    if (route.method === 'get' && route.path === '/v1/batches') return expect(await reply.json()).toMatchObject({ data: [] });
    expect([reply.status, await codeOf(reply)]).toEqual([404, expect.stringMatching(/_not_found$/)]);
    expect(await stateOfAcme()).toEqual(before);
  });

  test.each(titled)('%s: without a key that is good, nothing', async (_, route) => {
    const expiresAt = new Date(door.clock.time);
    const expired = await issueKey(door.context, { accountId: 'acme', displayName: 'old', role: 'admin', expiresAt });
    for (const key of [null, 'bl_nothing', expired.key, `${door.keys.acme}x`, door.keys.acme.slice(0, -1)]) {
      const reply = await askAs(key, route, prefix);
      expect([reply.status, await codeOf(reply)]).toEqual([401, 'invalid_api_key']);
    }
  });
});

test('lists do not go on from what is of another account', async () => {
  for (const path of [`files?after=${acmes['file_id']}`, `batches?after=${acmes['batch_id']}`])
    expect((await door.ask(`/v1/${path}`, { key: door.keys.bob })).status).toBe(404);
  expect(await (await door.ask('/v1/files', { key: door.keys.bob })).json()).toMatchObject({ data: [], has_more: false });
});

const keyOf = async (role: UserRole) =>
  (await issueKey(door.context, { accountId: 'acme', userId: `a-${role}`, displayName: role, role })).key;

describe('roles', () => {
  test.each(titled)('%s: a role that may do nothing is refused', async (_, route) => {
    const before = await stateOfAcme();
    const reply = await askAs(await keyOf('custom'), route);
    expect([reply.status, await codeOf(reply)]).toEqual([403, 'role_too_weak']);
    expect(await stateOfAcme()).toEqual(before);
  });

  test.each(titled)('%s: who may only read changes nothing', async (_, route) => {
    const key = await keyOf('custom');
    const user = door.context.store.db.updateTable('accountUser').where('id', '=', 'a-custom');
    await user.set({ permissionPreset: 'read-only' }).execute();
    const before = await stateOfAcme();
    const reply = await askAs(key, route);
    await user.set({ permissionPreset: '' }).execute();
    if (route.method === 'get') expect(reply.status).not.toBe(403);
    else expect([reply.status, await codeOf(reply)]).toEqual([403, 'role_too_weak']);
    await reply.body?.cancel().catch(() => {});
    expect(await stateOfAcme()).toEqual(before);
  });

  test.each(['user', 'contributor', 'inference-user'] as const)('%s may run batches, and keep no webhooks', async (role) => {
    const key = await keyOf(role);
    for (const path of ['files', 'batches', 'models']) expect((await door.ask(`/v1/${path}`, { key })).status).toBe(200);
    const upload = await door.ask('/v1/uploads', { key, body: bodyOf('/v1/uploads') });
    expect(upload.status).toBe(200);
    const hooks = '/v1/accounts/acme/webhooks';
    expect((await door.ask(hooks, { key, body: { url: 'https://example.com' } })).status).toBe(403);
    const { name } = (await door.askJson(`${hooks}?webhookId=${role}`, { body: { url: 'https://example.com' } })).body;
    expect(name).toBe(`accounts/acme/webhooks/${role}`);
    for (const verb of [':test', ':rotateSecret'])
      expect((await door.ask(`/v1/${name}${verb}`, { key, body: {} })).status).toBe(403);
    for (const method of ['PATCH', 'DELETE'])
      expect((await door.ask(`/v1/${name}`, { key, method, ...(method === 'PATCH' && { body: {} }) })).status).toBe(403);
  });
});

describe('ids', () => {
  const ODD = [
    '..',
    '%2e%2e',
    '..%2f..%2fdb',
    '%00',
    'file-',
    'file-.errors',
    'file-in.errors.errors',
    'file-in%00',
    'file-%2e%2e',
  ];
  const LONG = [
    `file-${'a'.repeat(5_000)}`,
    `batch_${'a'.repeat(5_000)}`,
    'batch_',
    'batch_%2fetc',
    'batch_in/../in',
    'upload_%ff',
  ];

  test.each([...ODD, ...LONG])('%s is nobody', async (id) => {
    for (const path of [`files/${id}`, `files/${id}/content`, `batches/${id}`, `models/${id}`]) {
      const reply = await door.ask(`/v1/${path}`);
      expect([400, 404]).toContain(reply.status);
      expect((await reply.text()).length).toBeLessThan(6_000);
    }
    expect(door.logged).toEqual([]);
  });
});
