/** `deployedModels`: what engines serve at the moment, and nothing that could be changed from here. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDoor } from './door.ts';

const PUBLIC = '/v1/accounts/fireworks/deployedModels';
const OWN = '/v1/accounts/acme/deployedModels';
let door: Awaited<ReturnType<typeof openDoor>>;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

const TICKETS = {
  name: 'accounts/boatload/deployedModels/tickets',
  displayName: '',
  description: '',
  createTime: null,
  updateTime: null,
  model: 'accounts/boatload/models/tickets',
  deployment: '',
  default: true,
  state: 'DEPLOYED',
  serverless: true,
  status: { code: 'OK', message: '' },
  public: true,
};
const create = (body: unknown, path = OWN) => door.askJson(`${path}?replaceMergedAddon=true`, { body });

test('a model that is served is deployed, one that sleeps is not', async () => {
  expect(await door.askJson(PUBLIC)).toEqual({
    status: 200,
    body: { deployedModels: [TICKETS], nextPageToken: '', totalSize: 1 },
  });
  expect((await door.askJson(OWN)).body).toEqual({ deployedModels: [], nextPageToken: '', totalSize: 0 });
  expect((await door.askJson(`${PUBLIC}/tickets`)).body).toEqual(TICKETS);
  expect((await door.askJson(`${PUBLIC}/tickets?readMask=model,state`)).body).toEqual({
    model: TICKETS.model,
    state: 'DEPLOYED',
  });
  for (const id of ['asleep', 'nothing'])
    expect(await door.askJson(`${PUBLIC}/${id}`)).toMatchObject({ status: 404, body: { code: 5 } });
  const { body } = await door.askJson('/v1/accounts/fireworks/models/tickets');
  expect(body).toMatchObject({ deployedModelRefs: [{ name: TICKETS.name, state: 'DEPLOYED' }] });
});

test('the list is filtered and ordered as all lists are', async () => {
  const ask = (query: string) => door.askJson(`${PUBLIC}?${query}`);
  expect((await ask('filter=model = "accounts/boatload/models/tickets"')).body.totalSize).toBe(1);
  expect((await ask('filter=public = false')).body.totalSize).toBe(0);
  expect((await ask('orderBy=name desc')).status).toBe(200);
  expect((await ask('orderBy=state')).status).toBe(400);
});

test('what is served already is answered, and what no engine has is refused', async () => {
  expect(await create({ model: 'accounts/fireworks/models/tickets' })).toEqual({ status: 200, body: TICKETS });
  expect(await create({ model: 'tickets', public: true, default: true })).toEqual({ status: 200, body: TICKETS });
  const reasonOf = async (body: unknown) => {
    const reply = await create(body);
    return [reply.status, reply.body.details[0]?.reason];
  };
  expect(await reasonOf({ model: 'asleep' })).toEqual([400, 'MODEL_NOT_SERVED']);
  expect(await reasonOf({ model: 'nothing' })).toEqual([404, 'MODEL_NOT_FOUND']);
  expect(await reasonOf({})).toEqual([400, 'INVALID_FIELD']);
  expect(await reasonOf({ model: 'tickets', deployment: 'mine' })).toEqual([501, 'DEPLOYMENTS_NOT_OFFERED']);
});

test('nothing is taken down or changed from here', async () => {
  const decided = { status: 501, body: { code: 12, details: [{ reason: 'ENGINE_DECIDES' }] } };
  expect(await door.askJson(`${PUBLIC}/tickets`, { method: 'DELETE' })).toMatchObject(decided);
  expect(await door.askJson(`${PUBLIC}/asleep`, { method: 'DELETE' })).toMatchObject({ status: 404 });
  expect(await door.askJson(`${OWN}/tickets`, { method: 'PATCH', body: { public: false } })).toMatchObject({ status: 404 });
});
