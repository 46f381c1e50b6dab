/** Deliveries and kept replies on both databases: what several processes do at once is done once. */
import { expect, test } from 'vitest';
import { makeId } from '../../src/base/ids.ts';
import { claimReply } from '../../src/db/queries/claim-reply.ts';
import { insertDelivery } from '../../src/db/queries/insert-delivery.ts';
import { insertWebhook } from '../../src/db/queries/insert-webhook.ts';
import { keepReply } from '../../src/db/queries/keep-reply.ts';
import { moveJob } from '../../src/db/queries/move-job.ts';
import { settleDelivery } from '../../src/db/queries/settle-delivery.ts';
import { type DeliveryTaking, takeDeliveries } from '../../src/db/queries/take-deliveries.ts';
import type { Store } from '../../src/db/store.ts';
import { describeOnBoth } from './databases.ts';
import { makeAccount, makeJob } from './jobs.ts';

const NOW = new Date('2026-03-01T10:00:00Z');
const later = (ms: number) => new Date(NOW.getTime() + ms);
const taking = (changes: Partial<DeliveryTaking> = {}): DeliveryTaking => ({
  ...{ now: NOW, leasedUntil: later(60_000), most: 1_000, mostOfWebhook: 4, mostOfAccount: 6 },
  ...changes,
});

const makeWebhook = async ({ db }: Store, accountId: string, events: readonly string[] = ['batch.failed']) => {
  const id = makeId(10);
  const times = { createdAt: NOW, updatedAt: NOW, failingSince: null };
  const secrets = { salt: 's', oldSalt: null, oldSaltUntil: null };
  const url = 'https://example.com/';
  const rest = { displayName: '', enabled: true, disabledReason: '', createdBy: 'ada' };
  expect(await insertWebhook(db, { accountId, id, url, events, ...rest, ...secrets, ...times })).toBe(true);
  return { accountId, webhookId: id };
};
type Hook = Awaited<ReturnType<typeof makeWebhook>>;

const announce = ({ db }: Store, hook: Hook, count: number) =>
  Promise.all(
    Array.from({ length: count }, () =>
      insertDelivery(db, { ...hook, eventId: `evt_${makeId(10)}`, eventType: 'batch.failed', jobId: 'j', createdAt: NOW }),
    ),
  );
/** Other tests' deliveries are in the same tables. */
const ofAccount = async (store: Store, accountId: string, changes?: Partial<DeliveryTaking>) =>
  (await takeDeliveries(store.db, taking(changes))).filter((delivery) => delivery.accountId === accountId);

describeOnBoth('webhooks', (open) => {
  test('a delivery is there when the job has ended, and not when that is taken back', async () => {
    const store = open();
    const job = await makeJob(store);
    const hook = await makeWebhook(store, job.accountId);
    await makeWebhook(store, job.accountId, ['batch.completed']);
    const undone = store.db.transaction().execute(async (tx) => {
      await moveJob(tx, job.uid, 'FAILED', { updatedAt: NOW });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await ofAccount(store, job.accountId)).toEqual([]);
    await moveJob(store.db, job.uid, 'FAILED', { updatedAt: NOW });
    await moveJob(store.db, job.uid, 'DELETING_CLEANING_UP');
    expect(await ofAccount(store, job.accountId)).toMatchObject([
      { ...hook, eventType: 'batch.failed', jobId: job.id, eventId: `evt_${job.uid.replaceAll('-', '')}`, createdAt: NOW },
    ]);
  });

  test('of several processes each takes what the others have not, and no receiver gets more than its places', async () => {
    const store = open();
    const accountId = await makeAccount(store);
    const [one, two] = [await makeWebhook(store, accountId), await makeWebhook(store, accountId)];
    const other = await makeWebhook(store, await makeAccount(store));
    for (const hook of [one, two, other]) await announce(store, hook, 10);
    const taken = (await Promise.all(Array.from({ length: 4 }, () => takeDeliveries(store.db, taking())))).flat();
    const ids = taken.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const count = (hook: Hook) => taken.filter(({ webhookId }) => webhookId === hook.webhookId).length;
    expect([count(one), count(two)]).toEqual([3, 3]);
    expect(count(other)).toBe(4);
    expect(await ofAccount(store, accountId)).toEqual([]);
  });

  test('a place that is free again goes to the oldest that waits, and a lease that has run out is anybody’s', async () => {
    const store = open();
    const hook = await makeWebhook(store, await makeAccount(store));
    const made = (await announce(store, hook, 6)).map(({ id }) => id).toSorted((one, other) => one - other);
    const first = await ofAccount(store, hook.accountId);
    expect(first.map(({ id }) => id)).toEqual(made.slice(0, 4));
    const attempt = { at: NOW.toISOString(), status: 200, durationMs: 1, error: '', response: 'a\0b\ud800' };
    const facts = {
      attempt,
      state: 'DELIVERED',
      nextAttemptAt: null,
      gone: false,
      givenUpIfFailingSince: later(-1),
      at: NOW,
    } as const;
    for (const delivery of first.slice(0, 1)) await settleDelivery(store.db, { delivery, ...facts });
    expect((await ofAccount(store, hook.accountId)).map(({ id }) => id)).toEqual(made.slice(4, 5));
    expect(await ofAccount(store, hook.accountId, { now: later(59_999) })).toEqual([]);
    const again = await ofAccount(store, hook.accountId, { now: later(60_000), leasedUntil: later(120_000) });
    expect(again.map(({ id }) => id)).toEqual(made.slice(1, 5));
    const kept = await store.db
      .selectFrom('webhookDelivery')
      .select('attempts')
      .where('id', '=', made[0] ?? 0)
      .execute();
    expect(kept).toEqual([{ attempts: [{ ...attempt, response: 'a\ufffdb\ufffd' }] }]);
  });

  test('of twenty equal requests at once one finds nothing before it', async () => {
    const store = open();
    const accountId = await makeAccount(store);
    const times = { begunAt: NOW, expiresAt: later(1_000) };
    const claim = { accountId, apiKeyId: 'k', key: 'key:race', fingerprint: 'f', ...times };
    const found = await Promise.all(Array.from({ length: 20 }, () => claimReply(store.db, claim)));
    expect(found.filter((one) => one === undefined).length).toBe(1);
    await keepReply(store.db, claim, { status: 200, body: '{}' });
    expect(await claimReply(store.db, claim)).toMatchObject({ status: 200, body: '{}' });
    const next = { ...claim, begunAt: later(1_000), expiresAt: later(2_000) };
    const fresh = await Promise.all(Array.from({ length: 20 }, () => claimReply(store.db, next)));
    expect(fresh.filter((one) => one === undefined).length).toBe(1);
    expect(fresh.filter((one) => one?.status === null).length).toBe(19);
  });
});
