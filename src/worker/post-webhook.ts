/** Posts to addresses that users chose: never to a private one unless that is allowed, never on to where a redirect points, and not for long. */
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
import { makeGuardedConnect } from '../base/guarded-connect.ts';
import { messageOf } from '../base/message-of.ts';
import { isPublicAddress } from '../base/public-address.ts';

export interface WebhookPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** What came of it. */
export interface PostOutcome {
  /** Null when no answer came. */
  readonly status: number | null;
  /** Why there was none; empty when there was. */
  readonly error: string;
  /** The beginning of the answer. */
  readonly response: string;
  readonly headers: Readonly<Record<string, string>>;
}

const SHOWN_BYTES = 1_024;

/** Opens the way out. Where a name leads to is seen at every connection. */
export const openWayOut = ({ allowPrivate, timeoutMs }: { readonly allowPrivate: boolean; readonly timeoutMs: number }): Agent =>
  new Agent({
    connect: allowPrivate
      ? buildConnector({ timeout: timeoutMs, allowH2: false })
      : makeGuardedConnect({ timeoutMs, isAllowed: isPublicAddress, refusal: notPublic }),
  });

/** Posts; answers what came of it, whatever it was. */
export async function postWebhook(wayOut: Dispatcher, { url, signal, ...message }: WebhookPost): Promise<PostOutcome> {
  try {
    const reply = await request(url, { dispatcher: wayOut, method: 'POST', reset: true, signal, ...message });
    const headers = Object.fromEntries(Object.entries(reply.headers).map(([name, value]) => [name, String(value)]));
    return { status: reply.statusCode, error: '', response: await readStart(reply.body), headers };
  } catch (cause) {
    return { status: null, error: wordsOf(cause), response: '', headers: {} };
  }
}

/** A receiver has said all that matters with its status: a body that breaks off is no failure. */
async function readStart(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= SHOWN_BYTES) break;
    }
  } catch {
    // What came is what is shown.
  }
  return Buffer.concat(chunks).subarray(0, SHOWN_BYTES).toString('utf8');
}

const notPublic = (host: string): Error =>
  new Error(`${host} is not a public address. Whoever runs the server can allow it: BOATLOAD_WEBHOOKS_ALLOW_PRIVATE=1.`);

/** Of several addresses that were tried, the first says why. */
const wordsOf = (cause: unknown): string => {
  if (cause instanceof AggregateError && cause.errors.length > 0) return wordsOf(cause.errors[0]);
  if (cause instanceof Error && cause.name === 'TimeoutError') return 'No answer in time.';
  return messageOf(cause);
};
