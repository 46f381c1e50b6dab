/** Sends the events of ended jobs to whoever wants to hear of them: at least once each, and nobody waits for a slow receiver but itself. */
import { Webhook as Signer } from 'standardwebhooks';
import type { Agent } from 'undici';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { toBatchId } from '../contract/openai/ids.ts';
import type { WebhookEvent } from '../contract/webhook.ts';
import { releaseDelivery } from '../db/queries/release-delivery.ts';
import { settleDelivery } from '../db/queries/settle-delivery.ts';
import { type DueDelivery, takeDeliveries } from '../db/queries/take-deliveries.ts';
import type { Store } from '../db/store.ts';
import { readRetryAfter } from '../engines/classify-failure.ts';
import { nextDelivery } from '../jobs/webhook-retries.ts';
import { makeWebhookSecret } from '../jobs/webhook-secret.ts';
import { openWayOut, type PostOutcome, postWebhook } from './post-webhook.ts';

export interface WebhookSenderOptions {
  readonly store: Pick<Store, 'db'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The server's own, from which those of webhooks are made. */
  readonly secret: Uint8Array;
  /** Whether receivers may be at private addresses. */
  readonly allowPrivate: boolean;
  /** From the name of the receiver to the end of its answer; 15 s when absent. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;
/** Longer than an attempt, from its taking to its settling: those of a process that died are taken again after its time limit and this. */
const LEASE_BEYOND_MS = 5_000;
const AT_ONCE = { inAll: 64, ofAccount: 16, ofWebhook: 4 } as const;
/** A receiver of which only failures are heard for so long is switched off. */
const GIVE_UP_MS = 5 * 86_400_000;
const GONE = 410;

export class WebhookSender {
  readonly #options: WebhookSenderOptions;
  readonly #timeoutMs: number;
  readonly #wayOut: Agent;
  readonly #sending = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#wayOut = openWayOut({ allowPrivate: options.allowPrivate, timeoutMs: this.#timeoutMs });
  }

  /** Begins to send what is due; does not wait for it. */
  async look(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const now = this.#options.clock.now();
    const due = await takeDeliveries(this.#options.store.db, {
      now,
      leasedUntil: new Date(now.getTime() + this.#timeoutMs + LEASE_BEYOND_MS),
      most: AT_ONCE.inAll - this.#sending.size,
      mostOfWebhook: AT_ONCE.ofWebhook,
      mostOfAccount: AT_ONCE.ofAccount,
    });
    for (const delivery of due) this.#begin(delivery);
  }

  /** Resolves when nothing is on its way that was when it was called. */
  async settled(): Promise<void> {
    await Promise.all(this.#sending);
  }

  /** Cuts off what is on its way; it is sent again at the next start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    while (this.#sending.size > 0) await this.settled();
    await this.#wayOut.destroy();
  }

  #begin(delivery: DueDelivery): void {
    const sending = this.#send(delivery)
      .then(() => this.look())
      .catch((cause: unknown) => this.#options.log.warn({ cause }, 'webhook not sent, trying again'))
      .finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  async #send(delivery: DueDelivery): Promise<void> {
    const { store, clock } = this.#options;
    const at = clock.now();
    const began = performance.now();
    const outcome = await this.#post(delivery, at);
    if (this.#stop.signal.aborted) return releaseDelivery(store.db, delivery.id);
    const { status, response } = outcome;
    const durationMs = Math.round(performance.now() - began);
    const attempt = { at: at.toISOString(), status, durationMs, error: whyFailed(outcome), response };
    await this.#settle(delivery, { attempt, headers: outcome.headers });
  }

  #post(delivery: DueDelivery, at: Date): Promise<PostOutcome> {
    const body = JSON.stringify(toEvent(delivery));
    const signatures = this.#secretsOf(delivery, at).map((secret) => new Signer(secret).sign(delivery.eventId, at, body));
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Boatload',
      'webhook-id': delivery.eventId,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': signatures.join(' '),
    };
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(this.#timeoutMs)]);
    return postWebhook(this.#wayOut, { url: delivery.url, headers, body, signal });
  }

  /** For a while after a rotation there are two. */
  #secretsOf({ accountId, webhookId: id, salt, oldSalt, oldSaltUntil }: DueDelivery, at: Date): readonly string[] {
    const salts = [salt, ...(oldSalt !== null && oldSaltUntil !== null && oldSaltUntil > at ? [oldSalt] : [])];
    return salts.map((each) => makeWebhookSecret(this.#options.secret, { accountId, id, salt: each }));
  }

  async #settle(
    delivery: DueDelivery,
    { attempt, headers }: { readonly attempt: DueDelivery['attempts'][number]; readonly headers: PostOutcome['headers'] },
  ): Promise<void> {
    const { store, clock, log } = this.#options;
    const now = clock.now();
    const delivered = attempt.error === '';
    const gone = attempt.status === GONE;
    const attempts = [...delivery.attempts, attempt];
    const next = delivered || gone ? undefined : nextAttempt(attempts, { now, headers });
    const disabledReason = await settleDelivery(store.db, {
      delivery,
      attempt,
      state: delivered ? 'DELIVERED' : next === undefined ? 'FAILED' : 'PENDING',
      nextAttemptAt: next ?? null,
      gone,
      givenUpIfFailingSince: new Date(now.getTime() - GIVE_UP_MS),
      at: now,
    });
    if (disabledReason !== undefined) log.warn({ webhookId: delivery.webhookId, disabledReason }, 'webhook switched off');
  }
}

const toEvent = ({ eventId, eventType, createdAt, jobId }: DueDelivery): WebhookEvent => ({
  id: eventId,
  object: 'event',
  type: eventType as WebhookEvent['type'], // Only such are stored.
  created_at: Math.floor(createdAt.getTime() / 1000),
  data: { id: toBatchId(jobId) },
});

const whyFailed = ({ status, error }: PostOutcome): string => {
  if (status === null) return error;
  if (status >= 200 && status < 300) return '';
  return status >= 300 && status < 400 ? `Answered ${status}: redirects are not followed.` : `Answered ${status}.`;
};

const nextAttempt = (
  attempts: DueDelivery['attempts'],
  { now, headers }: { readonly now: Date; readonly headers: PostOutcome['headers'] },
): Date | undefined =>
  nextDelivery({
    attempts: attempts.length,
    firstAt: new Date(attempts[0]?.at ?? now),
    now,
    retryAfterMs: readRetryAfter(headers, now.getTime()),
  });
