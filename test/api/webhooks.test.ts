/** Webhooks against a receiver of our own: what arrives, who may read it, and what happens when it does not arrive. */
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { forgetOld } from '../../src/actions/forget-old.ts';
import { issueKey } from '../../src/actions/issue-key.ts';
import { endJobEarly } from '../../src/db/queries/end-job-early.ts';
import { failValidation } from '../../src/db/queries/fail-validation.ts';
import { findJob } from '../../src/db/queries/find-job.ts';
import { finishJob } from '../../src/db/queries/finish-job.ts';
import { moveJob } from '../../src/db/queries/move-job.ts';
import { WebhookSender, type WebhookSenderOptions } from '../../src/worker/webhook-sender.ts';
import { startReceiver, withStatus } from '../support/receiver.ts';
import { type Asked, openDoor } from './door.ts';

let door: Awaited<ReturnType<typeof openDoor>>;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let sender: WebhookSender;
const opened: WebhookSender[] = [];
beforeAll(async () => {
  door = await openDoor({ privateWebhooks: true });
  await door.makeDataset('in');
});
afterAll(() => door.close());
beforeEach(async () => {
  door.clock.time = Date.now(); // The clients look at their own clock.
  receiver = await startReceiver();
  sender = openSender();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.stop()));
  await receiver.close();
  for (const { id } of await door.context.store.db.selectFrom('webhook').select('id').execute())
    await ask(`${HOOKS}/${id}`, { method: 'DELETE' });
});

const HOOKS = '/v1/accounts/acme/webhooks';
const JOBS = '/v1/accounts/acme/batchInferenceJobs';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** For a machine that has much else to do. */
const WAIT = { timeout: 60_000 };
const ALL = ['batch.completed', 'batch.failed', 'batch.expired', 'batch.cancelled'];

const openSender = (options: Partial<WebhookSenderOptions> = {}): WebhookSender => {
  const { store, clock, log, links } = door.context;
  const made = new WebhookSender({ store, clock, log, secret: links.secret, allowPrivate: true, ...options });
  opened.push(made);
  return made;
};

// biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
type Reply = { status: number; body: any };
const ask = (path: string, asked?: Asked): Promise<Reply> => door.askJson(path, asked);
const reasonOf = ({ body }: Reply) => body.details?.[0]?.reason;
const makeHook = async (id: string, body: object = {}) =>
  (await ask(`${HOOKS}?webhookId=${id}`, { body: { url: receiver.url, ...body } })).body;
const readHook = async (id: string) => (await ask(`${HOOKS}/${id}`)).body;
const readLog = async (id: string) => (await ask(`${HOOKS}/${id}/deliveries`)).body.deliveries;

/** Sends what is due until nothing is. */
const send = async (by = sender) => {
  await by.look();
  await by.settled();
};

const makeJob = async () => {
  const { body } = await ask(JOBS, { body: { model: 'accounts/boatload/models/tickets', inputDatasetId: 'in' } });
  const id = body.name.split('/').at(-1);
  const job = await findJob(door.context.store.db, 'acme', id);
  return { id, uid: job?.uid ?? '' };
};

/** Ends a job in each of the ways that the server has. */
const END = {
  completed: async (uid: string) => {
    const { db } = door.context.store;
    await moveJob(db, uid, 'PENDING');
    await moveJob(db, uid, 'WRITING_RESULTS', { outcome: 'COMPLETED' });
    return finishJob(door.context.store, uid, { files: [], at: door.clock.now() });
  },
  failed: (uid: string) =>
    failValidation(door.context.store.db, uid, { statusCode: 'INVALID_ARGUMENT', statusMessage: '', reportKey: null }),
  expired: (uid: string) =>
    endJobEarly(door.context.store, uid, { outcome: 'EXPIRED', statusCode: 'DEADLINE_EXCEEDED', statusMessage: '' }),
  cancelled: (uid: string) =>
    endJobEarly(door.context.store, uid, { outcome: 'CANCELLED', statusCode: 'CANCELLED', statusMessage: '' }),
} as const;
const endJob = async (how: keyof typeof END = 'completed') => {
  const { id, uid } = await makeJob();
  expect(await END[how](uid)).toBe(true);
  return id;
};

test('a webhook is made, read, changed, listed and deleted; its secret is shown once', async () => {
  const made = await makeHook('ops', { displayName: 'Ops', events: ['batch.failed'] });
  const at = door.clock.now().toISOString();
  const shown = {
    name: 'accounts/acme/webhooks/ops',
    displayName: 'Ops',
    url: receiver.url,
    events: ['batch.failed'],
    enabled: true,
    secret: '',
    disabledReason: '',
    failingSince: null,
    createdBy: 'acme@example.test',
    createTime: at,
    updateTime: at,
  };
  expect(made).toEqual({ ...shown, secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/) });
  expect(await readHook('ops')).toEqual(shown);
  const patched = await ask(`${HOOKS}/ops`, { method: 'PATCH', body: { display_name: 'All', events: ALL } });
  expect(patched.body).toEqual({ ...shown, displayName: 'All', events: ALL });
  expect((await ask(`${HOOKS}?filter=enabled=true`)).body).toEqual({ webhooks: [patched.body], nextPageToken: '', totalSize: 1 });
  expect(await ask(`${HOOKS}/ops`, { method: 'DELETE' })).toEqual({ status: 200, body: {} });
  expect(await ask(`${HOOKS}/ops`)).toMatchObject({ status: 404, body: { code: 5 } });
});

test('the secret is in no table', async () => {
  const { secret } = await makeHook('ops');
  const row = await door.context.store.db.selectFrom('webhook').selectAll().executeTakeFirstOrThrow();
  const bytes = Buffer.from(secret.slice('whsec_'.length), 'base64');
  for (const form of [secret, bytes.toString('base64'), bytes.toString('hex'), bytes.toString('base64url')])
    expect(JSON.stringify(row)).not.toContain(form);
});

test.each<[string, unknown, string]>([
  ['nothing', {}, 'INVALID_FIELD'],
  ['no URL', { url: 'example.com' }, 'WEBHOOK_URL_INVALID'],
  ['another protocol', { url: 'ftp://example.com' }, 'WEBHOOK_URL_INVALID'],
  ['a password', { url: 'https://me:secret@example.com' }, 'WEBHOOK_URL_INVALID'],
  ['an unknown event', { url: 'https://example.com', events: ['batch.started'] }, 'INVALID_FIELD'],
  ['no event', { url: 'https://example.com', events: [] }, 'INVALID_FIELD'],
  ['an event twice', { url: 'https://example.com', events: ['batch.failed', 'batch.failed'] }, 'INVALID_FIELD'],
])('a webhook with %s is refused', async (_, body, reason) => {
  const refused = await ask(HOOKS, { body });
  expect([refused.status, reasonOf(refused)]).toEqual([400, reason]);
});

test('only admins change them, and only those of their account', async () => {
  await makeHook('ops');
  const { key } = await issueKey(door.context, { accountId: 'acme', userId: 'eve', role: 'user', displayName: 'test' });
  const body = { url: receiver.url };
  const refused = [
    await ask(HOOKS, { key, body }),
    await ask(`${HOOKS}/ops`, { key, method: 'PATCH', body: {} }),
    await ask(`${HOOKS}/ops`, { key, method: 'DELETE' }),
    await ask(`${HOOKS}/ops:test`, { key, body: {} }),
    await ask(`${HOOKS}/ops:rotateSecret`, { key, body: {} }),
  ];
  for (const reply of refused) expect([reply.status, reasonOf(reply)]).toEqual([403, 'ROLE_TOO_WEAK']);
  expect((await ask(`${HOOKS}/ops`, { key })).status).toBe(200);
  for (const path of ['ops', 'ops/deliveries'])
    expect((await ask(`/v1/accounts/bob/webhooks/${path}`, { key: door.keys.bob })).status).toBe(404);
});

test('an account has at most 20, and each id once', async () => {
  for (let count = 0; count < 20; count++) await makeHook(`hook-${count}`);
  expect(reasonOf(await ask(HOOKS, { body: { url: receiver.url } }))).toBe('TOO_MANY_WEBHOOKS');
  await ask(`${HOOKS}/hook-1`, { method: 'DELETE' });
  expect(reasonOf(await ask(`${HOOKS}?webhookId=hook-2`, { body: { url: receiver.url } }))).toBe('WEBHOOK_EXISTS');
});

test.each(Object.keys(END) as (keyof typeof END)[])(
  'a job that is %s is told, and the published clients verify it',
  async (how) => {
    const { secret } = await makeHook('ops');
    const id = await endJob(how);
    await send();
    expect(receiver.received.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /hook']);
    const [{ headers = {}, body = '' } = {}] = receiver.received;
    const event = JSON.parse(body);
    expect(event).toEqual({
      id: expect.stringMatching(/^evt_[0-9a-f]{32}$/),
      object: 'event',
      type: `batch.${how}`,
      created_at: expect.any(Number),
      data: { id: `batch_${id}` },
    });
    expect(Math.abs(event.created_at - Date.now() / 1000)).toBeLessThan(600);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': event.id });
    for (const Client of [OpenAI, OpenAI6]) {
      const { webhooks } = new Client({ apiKey: 'none', webhookSecret: secret });
      expect(await webhooks.unwrap(body, headers as Record<string, string>)).toEqual(event);
      await expect(webhooks.unwrap(`${body} `, headers as Record<string, string>)).rejects.toThrow('signature');
    }
    expect(await readLog('ops')).toEqual([
      {
        eventId: event.id,
        type: `batch.${how}`,
        batchId: `batch_${id}`,
        state: 'DELIVERED',
        createTime: expect.any(String),
        nextAttemptTime: null,
        attempts: [
          { time: door.clock.now().toISOString(), statusCode: 200, durationMs: expect.any(Number), error: '', response: 'ok' },
        ],
      },
    ]);
    await send();
    expect(receiver.received.length).toBe(1);
  },
);

test('each hears of what it asked for, once, and nobody of other accounts', async () => {
  await makeHook('all');
  await makeHook('failures', { events: ['batch.failed', 'batch.expired'] });
  await makeHook('off', { enabled: false });
  await ask('/v1/accounts/bob/webhooks', { key: door.keys.bob, body: { url: receiver.url } });
  for (const how of ['completed', 'failed', 'expired', 'cancelled'] as const) await endJob(how);
  const types = async (id: string) => (await readLog(id)).map(({ type }: { type: string }) => type).toSorted();
  expect(await types('all')).toEqual(ALL.toSorted());
  expect(await types('failures')).toEqual(['batch.expired', 'batch.failed']);
  expect(await types('off')).toEqual([]);
  await send();
  expect(receiver.received.length).toBe(6);
});

test('a move that is taken back is not told, and a job ends once', async () => {
  await makeHook('ops');
  const { uid } = await makeJob();
  const { db } = door.context.store;
  const undone = db.transaction().execute(async (tx) => {
    await moveJob(tx, uid, 'FAILED');
    throw new Error('undone');
  });
  await expect(undone).rejects.toThrow('undone');
  expect(await readLog('ops')).toEqual([]);
  const ends = await Promise.all([END.failed(uid), END.cancelled(uid), END.expired(uid)]);
  expect(ends.filter(Boolean).length).toBe(1);
  expect((await readLog('ops')).length).toBe(1);
});

test('whatever dies between the end of a job and its delivery, the event arrives, under one id', async () => {
  await makeHook('ops');
  await endJob();
  // Nobody was there to send it. The next process is cut off while the receiver has it already.
  receiver.answer(() => {});
  const first = openSender();
  await first.look();
  await expect.poll(() => receiver.received.length, WAIT).toBe(1);
  await first.stop();
  // One that is killed gives nothing back: its lease runs out.
  await sender.look();
  await expect.poll(() => receiver.received.length, WAIT).toBe(2);
  receiver.answer();
  const third = openSender();
  await send(third);
  expect(receiver.received.length).toBe(2);
  door.clock.time += 60_000;
  await send(third);
  expect(receiver.received.length).toBe(3);
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(await readLog('ops')).toMatchObject([{ state: 'DELIVERED', attempts: [{ statusCode: 200 }] }]);
});

test('what does not arrive is tried again for 24 hours, each time signed anew, and the log tells all', async () => {
  const { secret } = await makeHook('ops');
  receiver.answer((response) => void response.writeHead(500).end('x'.repeat(5_000)));
  await endJob();
  const began = door.clock.time;
  for (let state = 'PENDING'; state === 'PENDING'; ) {
    await send();
    const [delivery] = await readLog('ops');
    state = delivery.state;
    if (state === 'PENDING') door.clock.time = Date.parse(delivery.nextAttemptTime);
  }
  const [delivery] = await readLog('ops');
  expect(delivery).toMatchObject({ state: 'FAILED', nextAttemptTime: null });
  expect(delivery.attempts.length).toBeGreaterThan(9);
  expect(delivery.attempts.length).toBe(receiver.received.length);
  expect(delivery.attempts[0]).toMatchObject({ statusCode: 500, error: 'Answered 500.', response: 'x'.repeat(1_024) });
  expect(Date.parse(delivery.attempts.at(-1).time) - began).toBe(DAY_MS);
  expect(new Set(receiver.received.map(({ body, headers }) => `${headers['webhook-id']} ${body}`)).size).toBe(1);
  const last = receiver.received.at(-1);
  const { webhooks } = new OpenAI({ apiKey: 'none', webhookSecret: secret });
  await webhooks.verifySignature(last?.body ?? '', last?.headers as Record<string, string>, secret, 2 * DAY_MS);
  expect((await readHook('ops')).failingSince).toBe(new Date(began).toISOString());
});

test('a receiver that is back gets the rest, and its failures are forgiven', async () => {
  await makeHook('ops');
  receiver.answer(withStatus(503, { 'retry-after': '7200' }));
  await endJob();
  await send();
  const [{ nextAttemptTime }] = await readLog('ops');
  expect(Date.parse(nextAttemptTime)).toBe(door.clock.time + 2 * HOUR_MS);
  receiver.answer();
  door.clock.time += 2 * HOUR_MS;
  await send();
  expect(await readLog('ops')).toMatchObject([{ state: 'DELIVERED', attempts: [{ statusCode: 503 }, { statusCode: 200 }] }]);
  expect((await readHook('ops')).failingSince).toBeNull();
});

test('a receiver that is gone (410) is switched off at once, with all that waits for it', async () => {
  await makeHook('ops');
  receiver.answer(withStatus(503));
  await endJob();
  await send();
  receiver.answer(withStatus(410));
  await endJob();
  await send();
  expect(await readHook('ops')).toMatchObject({ enabled: false, disabledReason: expect.stringContaining('410') });
  expect((await readLog('ops')).map(({ state }: { state: string }) => state)).toEqual(['FAILED', 'FAILED']);
  await endJob();
  expect((await readLog('ops')).length).toBe(2);
  expect(reasonOf(await ask(`${HOOKS}/ops:test`, { body: {} }))).toBe('WEBHOOK_DISABLED');
  const on = await ask(`${HOOKS}/ops`, { method: 'PATCH', body: { enabled: true } });
  expect(on.body).toMatchObject({ enabled: true, disabledReason: '', failingSince: null });
});

test('5 days of nothing but failures switch a webhook off; one success among them does not', async () => {
  await makeHook('dead');
  receiver.answer(withStatus(500));
  const failOnce = async () => {
    await endJob();
    await send();
  };
  await failOnce();
  door.clock.time += 4 * DAY_MS;
  receiver.answer();
  await failOnce();
  receiver.answer(withStatus(500));
  await failOnce();
  door.clock.time += 5 * DAY_MS - 1;
  await failOnce();
  expect((await readHook('dead')).enabled).toBe(true);
  door.clock.time += 1;
  await failOnce();
  expect(await readHook('dead')).toMatchObject({
    enabled: false,
    disabledReason: expect.stringMatching(/^Nothing has arrived since /),
  });
});

test('redirects are not followed, and a silent receiver is given up', async () => {
  await makeHook('ops');
  receiver.answer(withStatus(302, { location: `http://127.0.0.1:${receiver.port}/elsewhere` }));
  await endJob();
  await send();
  receiver.answer(() => {});
  await endJob();
  await send(openSender({ timeoutMs: 3_000 }));
  expect(receiver.received.map(({ path }) => path)).toEqual(['/hook', '/hook']);
  const log = await readLog('ops');
  expect(log[0].attempts).toMatchObject([{ statusCode: null, error: 'No answer in time.' }]);
  expect(log[1].attempts).toMatchObject([{ statusCode: 302, error: 'Answered 302: redirects are not followed.' }]);
});

test('a slow receiver keeps nobody waiting but itself, and holds few connections', async () => {
  const slow = await startReceiver(() => {});
  try {
    await makeHook('slow', { url: slow.url });
    for (let count = 0; count < 10; count++) await endJob();
    await sender.look();
    await expect.poll(() => slow.received.length, WAIT).toBe(4);
    await makeHook('quick');
    await endJob();
    await sender.look();
    await expect.poll(() => receiver.received.length, WAIT).toBe(1);
    expect(slow.received.length).toBe(4);
    await sender.stop();
  } finally {
    await slow.close();
  }
});

test('a backlog is sent without a pause between', async () => {
  await makeHook('ops');
  for (let count = 0; count < 30; count++) await endJob();
  await sender.look();
  await expect.poll(() => receiver.received.length, WAIT).toBe(30);
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(30);
});

test('a made-up event is delivered like any other', async () => {
  await makeHook('ops', { events: ['batch.completed'] });
  const { status, body } = await ask(`${HOOKS}/ops:test`, { body: { type: 'batch.expired' } });
  expect([status, body]).toEqual([200, expect.objectContaining({ type: 'batch.expired', state: 'PENDING', attempts: [] })]);
  await send();
  expect(JSON.parse(receiver.received[0]?.body ?? '')).toMatchObject({ id: body.eventId, data: { id: 'batch_test' } });
});

test('a new secret takes the place of the old one, at once or after a day', async () => {
  const first = await makeHook('ops');
  const rotate = async (body: object) => (await ask(`${HOOKS}/ops:rotateSecret`, { body })).body.secret;
  const isSignedWith = async (secret: string) => {
    const { headers = {}, body = '' } = receiver.received.at(-1) ?? {};
    const client = new OpenAI({ apiKey: 'none' });
    return client.webhooks.verifySignature(body, headers as Record<string, string>, secret, 2 * DAY_MS).then(
      () => true,
      () => false,
    );
  };
  const second = await rotate({ keepOldSecretActiveFor24Hours: true });
  expect(second).not.toBe(first.secret);
  await endJob();
  await send();
  expect([await isSignedWith(first.secret), await isSignedWith(second)]).toEqual([true, true]);
  door.clock.time += DAY_MS;
  await endJob();
  await send();
  expect([await isSignedWith(first.secret), await isSignedWith(second)]).toEqual([false, true]);
  const third = await rotate({});
  await endJob();
  await send();
  expect([await isSignedWith(second), await isSignedWith(third)]).toEqual([false, true]);
});

test('a create that is sent again makes no second webhook and shows no secret', async () => {
  const asked = { body: { url: receiver.url }, headers: { 'idempotency-key': 'hook' } };
  const [first, again] = [await ask(HOOKS, asked), await ask(HOOKS, asked)];
  expect(first.body.secret).not.toBe('');
  expect(again).toEqual({ status: 200, body: { ...first.body, secret: '' } });
});

test.each(['localhost', '127.0.0.1', '2130706433', '[::ffff:127.0.0.1]'])(
  'the address is looked at again when it is connected to: %s is not',
  async (host) => {
    await makeHook('ops', { url: `http://${host}:${receiver.port}/hook` });
    await endJob();
    await send(openSender({ allowPrivate: false }));
    expect(receiver.received).toEqual([]);
    expect(await readLog('ops')).toMatchObject([
      { state: 'PENDING', attempts: [{ statusCode: null, error: expect.stringContaining('is not a public address') }] },
    ]);
  },
);

test('deliveries that were over long ago are forgotten', async () => {
  await makeHook('ops');
  await endJob();
  await send();
  door.clock.time += 30 * DAY_MS;
  await forgetOld(door.context);
  expect((await readLog('ops')).length).toBe(1);
  door.clock.time += 60_000;
  await forgetOld(door.context);
  expect(await readLog('ops')).toEqual([]);
});
