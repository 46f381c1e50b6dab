/** The way to where models are fetched from: public addresses only, but for the hub that whoever runs the server has named. */
import { Agent, type Dispatcher, request } from 'undici';
import { makeGuardedConnect } from '../base/guarded-connect.ts';
import { Problem } from '../base/problem.ts';
import { isMetadataAddress, isPublicAddress } from '../base/public-address.ts';

export interface WayOutOptions {
  /** Its origin may be a private address. */
  readonly hubUrl: string;
  /** For the hub, and for nobody else. */
  readonly hubToken?: string | undefined;
}

export interface WayOut extends WayOutOptions {
  readonly toHub: Agent;
  readonly toOthers: Agent;
  close(): Promise<void>;
}

/** An answer that is no redirect, and the checksum that a hub gave on the way to it. */
export interface Answer {
  readonly reply: Dispatcher.ResponseData;
  readonly sha256: string | undefined;
}

interface Question {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const CONNECT_MS = 10_000;
const SILENCE_MS = 60_000;
const MOST_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const SHA256 = /^"?([0-9a-f]{64})"?$/;

/** Opens it. Where a name leads to is seen at every connection. */
export function openWayOut(options: WayOutOptions): WayOut {
  const toHub = openAgent((address) => !isMetadataAddress(address));
  const toOthers = openAgent(isPublicAddress);
  const close = async (): Promise<void> => void (await Promise.all([toHub.destroy(), toOthers.destroy()]));
  return { ...options, toHub, toOthers, close };
}

const openAgent = (isAllowed: (address: string) => boolean): Agent =>
  new Agent({
    connect: makeGuardedConnect({ timeoutMs: CONNECT_MS, isAllowed, refusal: notAllowed }),
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
  });

/** Asks, and goes where it is sent, a few times: each of these addresses is looked at like the first. */
export async function follow(wayOut: WayOut, { url: first, headers, signal }: Question): Promise<Answer> {
  let url = new URL(first);
  let sha256: string | undefined;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
    const reply = await request(url, {
      dispatcher: dispatcherFor(wayOut, url),
      headers: { ...headers, ...keyFor(wayOut, url) },
      signal,
    });
    sha256 ??= SHA256.exec(String(reply.headers['x-linked-etag']))?.[1];
    if (!REDIRECTS.has(reply.statusCode)) return { reply, sha256 };
    await reply.body.dump();
    url = nextOf(url, String(reply.headers['location']));
  }
  throw new Problem(
    'FAILED_PRECONDITION',
    `${new URL(first).host} sends from one address to the next, more than ${MOST_REDIRECTS} times.`,
    {
      reason: 'PULL_REFUSED',
    },
  );
}

const isHub = ({ hubUrl }: WayOutOptions, { origin }: URL): boolean => new URL(hubUrl).origin === origin;
const dispatcherFor = (wayOut: WayOut, url: URL): Agent => (isHub(wayOut, url) ? wayOut.toHub : wayOut.toOthers);

const keyFor = (wayOut: WayOut, url: URL): Readonly<Record<string, string>> =>
  wayOut.hubToken !== undefined && isHub(wayOut, url) ? { authorization: `Bearer ${wayOut.hubToken}` } : {};

function nextOf(url: URL, location: string): URL {
  const next = URL.parse(location, url.href);
  const isDowngrade = url.protocol === 'https:' && next?.protocol === 'http:';
  if (next !== null && /^https?:$/.test(next.protocol) && !isDowngrade) return next;
  throw new Problem('FAILED_PRECONDITION', `${url.host} sends to an address that is no safe one to follow.`, {
    reason: 'PULL_REFUSED',
  });
}

const notAllowed = (host: string): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `${host} is not a public address. Whoever runs the server can name a hub of their own: BOATLOAD_HUB_URL.`,
    { reason: 'ADDRESS_NOT_ALLOWED' },
  );
