/** Posts to addresses that users chose: never to a private one unless that is allowed, never on to where a redirect points, and not for long. */
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { isIP } from 'node:net';
import { Agent, buildConnector, type Dispatcher, request } from 'undici';
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

/**
 * Opens the way out. The address is checked on the connection that is used: a name is resolved once, and connected to is what it was resolved to, so a name
 * that means something else a moment later gains nothing.
 */
export const openWayOut = ({
  allowPrivate,
  timeoutMs,
}: {
  readonly allowPrivate: boolean;
  readonly timeoutMs: number;
}): Agent => {
  const connect = buildConnector({ timeout: timeoutMs, allowH2: false, ...(!allowPrivate && { lookup: lookupPublic }) });
  return new Agent({
    connect: (options, callback) => {
      const host = options.hostname.replace(/^\[|\]$/g, '');
      // What is an address already is never looked up.
      if (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)) callback(notPublic(host), null);
      else connect(options, callback);
    },
  });
};

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

type LookedUp = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** One private address among several is one too many. */
const lookupPublic = (hostname: string, options: LookupOptions, callback: LookedUp): void =>
  lookup(hostname, options, (error, found, family) => {
    const addresses: readonly string[] = Array.isArray(found) ? found.map(({ address }) => address) : [found];
    if (error === null && !addresses.every(isPublicAddress)) callback(notPublic(hostname), found, family);
    else callback(error, found, family);
  });

const notPublic = (host: string): Error =>
  new Error(`${host} is not a public address. Whoever runs the server can allow it: BOATLOAD_WEBHOOKS_ALLOW_PRIVATE=1.`);

/** Of several addresses that were tried, the first says why. */
const wordsOf = (cause: unknown): string => {
  if (cause instanceof AggregateError && cause.errors.length > 0) return wordsOf(cause.errors[0]);
  if (cause instanceof Error && cause.name === 'TimeoutError') return 'No answer in time.';
  return messageOf(cause);
};
