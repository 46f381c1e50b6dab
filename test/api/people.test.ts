import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueKey } from '../../src/actions/issue-key.ts';
import type { UserRole } from '../../src/db/schema.ts';
import { openDoor } from './door.ts';

let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

const USERS = '/v1/accounts/acme/users';
const AT = '2026-01-05T02:00:00.000Z';

// biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
type Reply = { status: number; body: any };
const ask = (path: string, asked?: Parameters<typeof door.askJson>[1]): Promise<Reply> => door.askJson(path, asked);
const change = (path: string, body: unknown, key?: string) => ask(path, { method: 'PATCH', body, ...(key && { key }) });
const reasonOf = ({ body }: Reply) => body.details?.[0]?.reason;

/** The key of a new user of acme with this role. */
const keyOf = async (userId: string, role: UserRole) =>
  (await issueKey(door.context, { accountId: 'acme', userId, role, displayName: 'test', email: `${userId}@example.test` })).key;

test('an account shows itself, in full, to its own keys only', async () => {
  const account = {
    name: 'accounts/acme',
    displayName: 'acme',
    createTime: AT,
    updateTime: AT,
    accountType: 'ACCOUNT_TYPE_UNSPECIFIED',
    email: 'acme@example.test',
    state: 'READY',
    status: { code: 'OK', message: '' },
    suspendState: 'UNSUSPENDED',
    notificationSettings: null,
  };
  for (const path of ['acme', '-', 'me']) expect(await ask(`/v1/accounts/${path}`)).toEqual({ status: 200, body: account });
  expect(await ask('/v1/accounts')).toEqual({ status: 200, body: { accounts: [account], nextPageToken: '', totalSize: 1 } });
  expect((await ask('/v1/accounts/bob')).status).toBe(403);
  expect((await ask('/v1/accounts/acme?readMask=name')).body).toEqual({ name: 'accounts/acme' });
});

test('a user is made, read, changed, listed and deleted', async () => {
  const made = await ask(`${USERS}?userId=ada`, { body: { displayName: 'Ada', email: 'ada@example.com', role: 'contributor' } });
  const ada = {
    name: 'accounts/acme/users/ada',
    displayName: 'Ada',
    serviceAccount: false,
    role: 'contributor',
    permissionPreset: '',
    email: 'ada@example.com',
    createTime: AT,
    updateTime: AT,
    state: 'READY',
    status: { code: 'OK', message: '' },
  };
  expect(made).toEqual({ status: 200, body: ada });
  expect((await ask(`${USERS}/ada`)).body).toEqual(ada);
  const changed = await change(`${USERS}/ada`, { display_name: 'Ada L.', role: 'custom', permission_preset: 'read-only' });
  expect(changed.body).toEqual({ ...ada, displayName: 'Ada L.', role: 'custom', permissionPreset: 'read-only' });
  expect((await change(`${USERS}/ada`, { role: 'user' })).body).toMatchObject({ role: 'user', permissionPreset: '' });
  const { body } = await ask(`${USERS}?orderBy=name&pageSize=1`);
  expect(body).toMatchObject({ users: [{ name: 'accounts/acme/users/ada' }], totalSize: 2 });
  const next = await ask(`${USERS}?orderBy=name&pageSize=1&pageToken=${body.nextPageToken}`);
  expect(next.body).toMatchObject({ users: [{ name: 'accounts/acme/users/admin' }], nextPageToken: '' });
  expect(await ask(`${USERS}/ada`, { method: 'DELETE' })).toEqual({ status: 200, body: {} });
  expect(await ask(`${USERS}/ada`)).toMatchObject({
    status: 404,
    body: { code: 5, message: 'resource not found: accounts/acme/users/ada' },
  });
});

test('an id is made from the address', async () => {
  const made = await ask(USERS, { body: { email: '9Ada.Love_lace+x@example.com' } });
  expect(made.body).toMatchObject({ name: 'accounts/acme/users/ada-love-lace-x', role: 'user' });
  await ask(`${USERS}/ada-love-lace-x`, { method: 'DELETE' });
});

test.each<[string, unknown, number, string]>([
  ['', {}, 400, 'FIELD_REQUIRED'],
  ['?userId=Ada', {}, 400, 'INVALID_ID'],
  ['?userId=x', { role: 'king' }, 400, 'INVALID_FIELD'],
  ['?userId=x', { email: 'no address' }, 400, 'INVALID_FIELD'],
  ['?userId=x', { role: 'custom' }, 400, 'PRESET_AND_ROLE'],
  ['?userId=x', { role: 'user', permissionPreset: 'read-only' }, 400, 'PRESET_AND_ROLE'],
  ['?userId=x', { serviceAccount: true, email: 'x@example.com' }, 400, 'SERVICE_ACCOUNT_HAS_EMAIL'],
  ['?userId=x', { favourite: 1 }, 400, 'INVALID_FIELD'],
  ['?userId=admin', {}, 409, 'USER_EXISTS'],
  ['?userId=x', { email: 'ACME@example.test' }, 409, 'EMAIL_EXISTS'],
])('a user %s %j is refused with %i %s', async (query, body, status, reason) => {
  const reply = await ask(`${USERS}${query}`, { body });
  expect([reply.status, reasonOf(reply)]).toEqual([status, reason]);
  expect((await ask(`${USERS}/x`)).status).toBe(404);
});

test('an account keeps an admin, and a person does not become a program', async () => {
  for (const refused of [await ask(`${USERS}/admin`, { method: 'DELETE' }), await change(`${USERS}/me`, { role: 'user' })])
    expect([refused.status, refused.body.code, reasonOf(refused)]).toEqual([400, 9, 'LAST_ADMIN']);
  expect(reasonOf(await change(`${USERS}/admin`, { serviceAccount: true }))).toBe('SERVICE_ACCOUNT_FIXED');
  await ask(`${USERS}?userId=second`, { body: { role: 'admin' } });
  expect((await change(`${USERS}/second`, { role: 'user' })).status).toBe(200);
  await ask(`${USERS}/second`, { method: 'DELETE' });
});

test('a key is shown once, works, and stops when it expires or is deleted', async () => {
  await ask(`${USERS}?userId=keys`, { body: { email: 'keys@example.com' } });
  const expireTime = new Date(door.clock.time + 60_000).toISOString();
  const made = await ask(`${USERS}/keys/apiKeys`, {
    body: { apiKey: { displayName: 'CI', expireTime, annotations: { team: 'red' } } },
  });
  const { key, ...shown } = made.body;
  expect(key).toMatch(/^bl_[\w-]{43}$/);
  expect(shown).toEqual({
    keyId: expect.stringMatching(/^[a-z0-9]{10}$/),
    displayName: 'CI',
    createTime: AT,
    secure: true,
    email: 'keys@example.com',
    prefix: key.slice(0, 10),
    expireTime,
    annotations: { team: 'red' },
    lastUsed: null,
  });
  const listed = await ask(`${USERS}/keys/apiKeys`);
  expect(listed.body).toEqual({ apiKeys: [{ ...shown, key: '' }], nextPageToken: '', totalSize: 1 });
  expect((await ask('/v1/accounts/-/users/me', { key })).body.name).toBe('accounts/acme/users/keys');
  expect((await ask(`${USERS}/keys/apiKeys`)).body.apiKeys[0].lastUsed).toBe(AT);
  const at = door.clock.time;
  door.clock.time += 60_000;
  expect((await ask(USERS, { key })).status).toBe(403);
  door.clock.time = at;
  expect((await ask(USERS, { key })).status).toBe(200);
  expect(await ask(`${USERS}/keys/apiKeys:delete`, { body: { keyId: shown.keyId } })).toEqual({ status: 200, body: {} });
  expect((await ask(USERS, { key })).status).toBe(403);
  const again = await ask(`${USERS}/keys/apiKeys:delete`, { body: { keyId: shown.keyId } });
  expect([again.status, reasonOf(again)]).toEqual([404, 'KEY_NOT_FOUND']);
});

test('without a body a key has a default name and never expires', async () => {
  const { body } = await ask(`${USERS}/me/apiKeys`, { method: 'POST' });
  expect(body).toMatchObject({ displayName: 'default', expireTime: null, annotations: {} });
  await ask(`${USERS}/me/apiKeys:delete`, { body: { keyId: body.keyId } });
});

test.each([
  { expireTime: '2020-01-01T00:00:00Z' },
  { expireTime: 'tomorrow' },
  { expireTime: '0000-01-01T00:00:00Z' },
  { annotations: { team: 1 } },
  { annotations: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${index}`, ''])) },
  { displayName: 'x'.repeat(64) },
])('a key with %j is refused', async (apiKey) => {
  expect((await ask(`${USERS}/me/apiKeys`, { body: { apiKey } })).status).toBe(400);
});

test("a user's keys go with the user", async () => {
  const key = await keyOf('gone', 'user');
  expect((await ask(USERS, { key })).status).toBe(200);
  await ask(`${USERS}/gone`, { method: 'DELETE' });
  expect((await ask(USERS, { key })).status).toBe(403);
});

test('keys of others are for admins; `-` lists everybody', async () => {
  const key = await keyOf('eve', 'user');
  const refused = [
    await ask(`${USERS}/admin/apiKeys`, { key }),
    await ask(`${USERS}/-/apiKeys`, { key }),
    await ask(`${USERS}/admin/apiKeys`, { key, body: {} }),
    await ask(`${USERS}/admin/apiKeys:delete`, { key, body: { keyId: 'x' } }),
  ];
  for (const reply of refused) expect([reply.status, reasonOf(reply)]).toEqual([403, 'ROLE_TOO_WEAK']);
  expect((await ask(`${USERS}/me/apiKeys`, { key })).body.totalSize).toBe(1);
  const emails = (await ask(`${USERS}/-/apiKeys`)).body.apiKeys.map((each: { email: string }) => each.email);
  expect(emails).toContain('eve@example.test');
  expect(emails).not.toContain('bob@example.test');
});

const NOTHING = { model: 'none', inputDatasetId: 'none' };
/** What is asked, and which roles may: the answer 403 is for all others, whatever they ask about. */
const DEMANDS: readonly [string, Parameters<typeof door.askJson>[1], readonly UserRole[]][] = [
  ['users', {}, ['admin', 'user', 'contributor', 'inference-user', 'custom']],
  ['datasets', { body: { datasetId: 'Bad' } }, ['admin', 'user', 'contributor', 'inference-user']],
  ['batchInferenceJobs', { body: NOTHING }, ['admin', 'user', 'contributor', 'inference-user']],
  ['users?userId=Bad', { body: {} }, ['admin']],
  ['users/nobody', { method: 'PATCH', body: {} }, ['admin']],
  ['users/nobody', { method: 'DELETE' }, ['admin']],
  ['auditLogs', {}, ['admin']],
];

test.each<UserRole>(['admin', 'user', 'contributor', 'inference-user', 'custom'])(
  'the role %s may do what the table says',
  async (role) => {
    const key = await keyOf(`a-${role}`, role === 'custom' ? 'user' : role);
    if (role === 'custom') await change(`${USERS}/a-custom`, { role, permissionPreset: 'read-only' });
    for (const [path, asked, roles] of DEMANDS) {
      const reply = await ask(`/v1/accounts/acme/${path}`, { ...asked, key });
      expect([path, reply.status === 403]).toEqual([path, !roles.includes(role)]);
      expect(reply.status).toBeLessThan(500);
    }
  },
);

test('a service account signs with a name of its own', async () => {
  await ask(`${USERS}?userId=robot`, { body: { serviceAccount: true } });
  const { body } = await ask(`${USERS}/robot/apiKeys`, { body: {} });
  const made = await ask('/v1/accounts/acme/datasets', { key: body.key, body: { datasetId: 'by-robot' } });
  expect(made.body.createdBy).toBe('robot@acme.sa.boatload');
});

test('the log says who changed what, and who was refused', async () => {
  const key = await keyOf('loud', 'user');
  const headers = { 'user-agent': 'tests/1' };
  await ask('/v1/accounts/-/datasets', { key, headers, body: { datasetId: 'logged' } });
  await ask('/v1/accounts/acme/datasets/logged', { key, headers, method: 'DELETE' });
  await ask('/v1/accounts/acme/datasets/logged', { key, headers, method: 'DELETE' });
  await ask(`${USERS}/admin`, { key, headers, method: 'DELETE' });
  const { body } = await ask('/v1/accounts/acme/auditLogs?email=loud%40example.test');
  const common = { principal: 'loud@example.test', timestamp: AT, userAgent: 'tests/1', clientIp: '', payload: {} };
  const ok = { status: { code: 'OK', message: '' }, message: '', isAdminAction: false };
  expect(body.auditLogs).toMatchObject([
    {
      ...common,
      method: 'deleteUser',
      resource: 'accounts/acme/users/admin',
      status: { code: 'PERMISSION_DENIED' },
      isAdminAction: true,
    },
    { ...common, method: 'deleteDataset', resource: 'accounts/acme/datasets/logged', status: { code: 'NOT_FOUND' } },
    { ...common, ...ok, method: 'deleteDataset', resource: 'accounts/acme/datasets/logged' },
    { ...common, ...ok, method: 'createDataset', resource: 'accounts/acme/datasets/logged' },
  ]);
  expect(body.totalSize).toBe(4);
  expect(JSON.stringify((await ask('/v1/accounts/bob/auditLogs', { key: door.keys.bob })).body)).not.toContain('acme');
});

test('the log names the key that was made or deleted', async () => {
  const { keyId } = (await ask(`${USERS}/me/apiKeys`, { body: {} })).body;
  await ask(`${USERS}/me/apiKeys:delete`, { body: { keyId } });
  const resource = `accounts/acme/users/admin/apiKeys/${keyId}`;
  expect((await ask('/v1/accounts/acme/auditLogs?pageSize=2')).body.auditLogs).toMatchObject([
    { method: 'deleteApiKey', resource },
    { method: 'createApiKey', resource },
  ]);
});

test('the log has pages of ten, newest first, between two times', async () => {
  for (let count = 0; count < 11; count += 1)
    await ask('/v1/accounts/bob/datasets', { key: door.keys.bob, body: { datasetId: `d${count}` } });
  const first = (await ask('/v1/accounts/bob/auditLogs', { key: door.keys.bob })).body;
  expect(first.auditLogs).toHaveLength(10);
  expect(first.auditLogs[0].resource).toBe('accounts/bob/datasets/d10');
  const rest = await ask(`/v1/accounts/bob/auditLogs?pageToken=${first.nextPageToken}`, { key: door.keys.bob });
  expect(rest.body.auditLogs.map((entry: { resource: string }) => entry.resource)).toEqual(['accounts/bob/datasets/d0']);
  const none = await ask(`/v1/accounts/bob/auditLogs?endTime=${AT}`, { key: door.keys.bob });
  expect(none.body.totalSize).toBe(0);
});

test('lists are filtered', async () => {
  const find = async (path: string, filter: string) =>
    (await ask(`/v1/accounts/acme/${path}?filter=${encodeURIComponent(filter)}`)).body;
  await ask(`${USERS}?userId=filter-bot`, { body: { serviceAccount: true, displayName: 'Nightly bot' } });
  const names = async (filter: string) =>
    (await find('users', filter)).users.map((user: { name: string }) => user.name.split('/').at(-1));
  expect(await names('serviceAccount = true AND displayName : "nightly"')).toEqual(['filter-bot']);
  expect(await names('name = accounts/acme/users/admin')).toEqual(['admin']);
  expect(await names('role = admin AND NOT service_account = false')).toEqual([]);
  const { keyId } = (await ask(`${USERS}/filter-bot/apiKeys`, { body: { apiKey: { displayName: 'only one' } } })).body;
  expect((await find('users/-/apiKeys', 'displayName = "only one"')).apiKeys).toMatchObject([{ keyId }]);
  expect((await find('auditLogs', `method = createApiKey AND resource : "${keyId}"`)).totalSize).toBe(1);
});

test('nothing of one account is seen or changed from another', async () => {
  const own = { key: door.keys.bob };
  await ask(`${USERS}?userId=only-acme`, { body: { email: 'only@acme.test' } });
  expect((await ask('/v1/accounts/bob/users/only-acme', own)).status).toBe(404);
  expect((await ask('/v1/accounts/bob/users/only-acme', { ...own, method: 'DELETE' })).status).toBe(404);
  expect((await ask('/v1/accounts/bob/users/only-acme/apiKeys', own)).status).toBe(404);
  expect((await ask('/v1/accounts/acme/users/only-acme', own)).status).toBe(403);
  expect((await ask('/v1/accounts/bob/users', own)).body.users.map((user: { name: string }) => user.name)).toEqual([
    'accounts/bob/users/admin',
  ]);
  expect((await ask(`${USERS}/accounts%2Fbob%2Fusers%2Fadmin`)).status).toBe(403);
  expect((await ask('/v1/accounts/bob/users?userId=only-acme', { ...own, body: { email: 'only@acme.test' } })).status).toBe(200);
});
