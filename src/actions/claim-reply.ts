/** Which of several equal requests is done, and what the others are told. */
import { setTimeout as pause } from 'node:timers/promises';
import { Problem } from '../base/problem.ts';
import { claimReply as claimReplyRow, type ReplyClaim } from '../db/queries/claim-reply.ts';
import type { KeptReply } from '../db/schema.ts';
import type { Context, KeyCaller } from './context.ts';

/** What makes a request the same as another one. */
export interface Sameness {
  /** The caller's own word for it; without one only requests that are close in time are the same. */
  readonly word?: string | undefined;
  /** SHA-256 of all that was asked, hexadecimal. */
  readonly fingerprint: string;
  readonly keptMs: number;
  /** What is made gets the claim's id: whoever does it again finds what an earlier try made. Such a request is taken over when nobody answers it. */
  readonly canBeTakenOver: boolean;
}

/** A request that is to be done, or the reply that it had. */
export type ClaimedReply =
  | { readonly claim: ReplyClaim; readonly isTakenOver: boolean; readonly kept?: never }
  | { readonly claim?: never; readonly isTakenOver?: never; readonly kept: { readonly status: number; readonly body: string } };

/** After so long the first is not under way any more: the process that did it has died. */
const LONGEST_REQUEST_MS = 10 * 60_000;
/** A create takes milliseconds. Should the first still be under way, one of the two finds what the other has made. */
const TAKEN_OVER_AFTER_MS = 2_000;
const LOOK_EVERY_MS = 50;
const LONGEST_WAIT_MS = 10_000;

/**
 * Claims a request. With a word the second is told at once that the first is under way; without one it waits for what the first is answered. One that died
 * without a reply is taken over where that is safe; else it is never done again by itself: nobody knows whether it has made something.
 */
export async function claimReply(context: Context, caller: KeyCaller, same: Sameness): Promise<ClaimedReply> {
  const until = performance.now() + LONGEST_WAIT_MS;
  for (;;) {
    const begunAt = context.clock.now();
    const claim = toClaim(caller, same, begunAt);
    const earlier = await claimReplyRow(context.store.db, claim);
    if (earlier === undefined) return { claim, isTakenOver: false };
    if (earlier.fingerprint !== same.fingerprint) throw otherRequest();
    if (earlier.status !== null) return { kept: { status: earlier.status, body: earlier.body ?? '' } };
    const age = begunAt.getTime() - earlier.begunAt.getTime();
    if (same.canBeTakenOver && age >= TAKEN_OVER_AFTER_MS) return { claim: earlier, isTakenOver: true };
    if (same.word !== undefined || performance.now() > until) throw begunAndNotEnded(earlier, begunAt);
    await pause(LOOK_EVERY_MS);
  }
}

const toClaim = ({ accountId, keyId }: KeyCaller, { word, fingerprint, keptMs }: Sameness, begunAt: Date): ReplyClaim => ({
  accountId,
  apiKeyId: keyId,
  key: word === undefined ? `same:${fingerprint}` : `key:${word}`,
  fingerprint,
  begunAt,
  expiresAt: new Date(begunAt.getTime() + keptMs),
});

const begunAndNotEnded = ({ begunAt }: KeptReply, now: Date): Problem =>
  now.getTime() - begunAt.getTime() < LONGEST_REQUEST_MS
    ? new Problem(
        'ABORTED',
        'The first request of this kind, or with this Idempotency-Key, is still under way. Send it again in a moment.',
        {
          reason: 'IDEMPOTENCY_KEY_IN_PROGRESS',
        },
      )
    : new Problem(
        'ABORTED',
        `The first request with this Idempotency-Key began at ${begunAt.toISOString()} and was never answered, as when the server is stopped. See whether it made something, then use another key.`,
        { reason: 'IDEMPOTENCY_KEY_OUTCOME_UNKNOWN' },
      );

const otherRequest = (): Problem =>
  new Problem(
    'ALREADY_EXISTS',
    'This Idempotency-Key was used for another request within 24 hours. Use a new key for a new request, and for a retry send the very same bytes.',
    { reason: 'IDEMPOTENCY_KEY_REUSED' },
  );
