/**
 * Creates that are done once, however often their request comes in. A caller who sends the header `Idempotency-Key` gets, for 24 hours, the first reply
 * again with `idempotent-replayed: true`. The key belongs to the API key that sent it; the same key with another method, path, query or body is refused,
 * and so is a second request while the first is under way. A job whose server died, or failed, while it was made is found, or made, by the next try. A
 * refusal is not kept: it changed nothing, so the next request is a new one. Secrets are not kept either: a replay has an empty text in the field of an API
 * key or of a webhook's secret. Files that are sent are no creates in this sense: their bytes are not read twice, and the header is ignored with them.
 */
import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { type ClaimedReply, claimReply, type Sameness } from '../actions/claim-reply.ts';
import type { KeyCaller } from '../actions/context.ts';
import type { Origin } from '../actions/create-once.ts';
import { uuidFrom } from '../base/ids.ts';
import { Problem } from '../base/problem.ts';
import type { ReplyClaim } from '../db/queries/claim-reply.ts';
import { keepReply } from '../db/queries/keep-reply.ts';
import { releaseReply } from '../db/queries/release-reply.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';
import { readBody } from './read-json.ts';

/** How repeated requests of a create are met. */
export interface Once {
  /** The field of the reply that shows a secret. */
  readonly hides?: string;
  /** The job that is made gets the uid that the handler is given with `origin`. Else a request whose server died is never done again by itself. */
  readonly usesOrigin?: true;
  /** Without an `Idempotency-Key`, the same request again within this time is a retry: clients retry by themselves after a lost connection. */
  readonly identicalMs?: number;
}

/** A call of such a create. */
export interface OnceCall {
  readonly context: ApiContext;
  readonly caller: KeyCaller;
  readonly http: Context<ApiEnv>;
  readonly once: Once;
}

const KEY_HEADER = 'idempotency-key';
const REPLAYED_HEADER = 'idempotent-replayed';
const KEPT_MS = 24 * 3_600_000;
const RETRY_AFTER_SECONDS = '1';
const KEY_RULE = /^[\x20-\x7e]{1,255}$/;

/** Runs a create, or answers what it was answered before. */
export async function doOnce<Reply>(call: OnceCall, run: (origin?: Origin) => Promise<Reply>): Promise<Reply | Response> {
  const same = await sameness(call);
  if (same === undefined) return run();
  const { claim, isTakenOver, kept } = await claimed(call, same);
  if (kept !== undefined) return replay(kept);
  const reply = await run({ uid: toUid(claim), isTakenOver }).catch(async (cause: unknown) => {
    if (isRefusal(cause) || call.once.usesOrigin !== true) await orLog(call, releaseReply(call.context.store.db, claim));
    throw cause;
  });
  await orLog(call, keep(call, claim, reply));
  return reply;
}

/** All else may have come after something was made, as when the database is lost while it commits: the next try takes over, and looks. */
const isRefusal = (cause: unknown): boolean => cause instanceof Problem;

/** The same for all tries of a request. */
const toUid = ({ accountId, apiKeyId, key, begunAt }: ReplyClaim): string =>
  uuidFrom(JSON.stringify([accountId, apiKeyId, key, begunAt.getTime()]));

/** Undefined for a request that is like no other. */
async function sameness({ http, once }: OnceCall): Promise<Sameness | undefined> {
  const word = http.req.header(KEY_HEADER);
  if (word === undefined && once.identicalMs === undefined) return undefined;
  if (word !== undefined && !KEY_RULE.test(word)) throw badKey();
  const keptMs = word === undefined ? (once.identicalMs ?? 0) : KEPT_MS;
  return { word, fingerprint: await fingerprintOf(http), keptMs, canBeTakenOver: once.usesOrigin === true };
}

async function fingerprintOf({ req }: Context<ApiEnv>): Promise<string> {
  const { pathname, search } = new URL(req.url);
  return createHash('sha256')
    .update(JSON.stringify([req.method, pathname, search]))
    .update(await readBody(req))
    .digest('hex');
}

/** The published clients retry a 409: they are told when to, or not to. */
async function claimed({ context, caller, http }: OnceCall, same: Sameness): Promise<ClaimedReply> {
  try {
    return await claimReply(context, caller, same);
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    if (cause.reason === 'IDEMPOTENCY_KEY_IN_PROGRESS') http.header('retry-after', RETRY_AFTER_SECONDS);
    else http.header('x-should-retry', 'false');
    throw cause;
  }
}

const replay = ({ status, body }: { readonly status: number; readonly body: string }): Response =>
  new Response(body, { status, headers: { 'content-type': 'application/json', [REPLAYED_HEADER]: 'true' } });

async function keep({ context, once }: OnceCall, claim: ReplyClaim, reply: unknown): Promise<void> {
  const { db } = context.store;
  const response = reply instanceof Response ? reply.clone() : Response.json(reply);
  if (!response.ok) return releaseReply(db, claim);
  await keepReply(db, claim, { status: response.status, body: without(once.hides, await response.text()) });
}

const without = (field: string | undefined, body: string): string =>
  field === undefined ? body : JSON.stringify({ ...JSON.parse(body), [field]: '' });

/** What was made is made, and what was refused is refused, whether or not the database could note it. */
const orLog = ({ context, http }: OnceCall, noted: Promise<void>): Promise<void> =>
  noted.catch((cause: unknown) => context.log.error({ cause, requestId: http.get('requestId') }, 'reply not kept for retries'));

const badKey = (): Problem =>
  new Problem('INVALID_ARGUMENT', 'Idempotency-Key should be 1 to 255 printable ASCII characters, such as a UUID.', {
    reason: 'IDEMPOTENCY_KEY_INVALID',
  });
