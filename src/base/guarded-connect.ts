/** Connections that only lead to addresses of which that is allowed. */
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { isIP } from 'node:net';
import { buildConnector } from 'undici';

export interface ConnectGuard {
  readonly timeoutMs: number;
  readonly isAllowed: (address: string) => boolean;
  /** What a connection fails with that would lead elsewhere. */
  readonly refusal: (host: string) => Error;
}

/**
 * The address is checked on the connection that is used: a name is resolved once, and connected to is what it was resolved to, so a name that means
 * something else a moment later gains nothing.
 */
export function makeGuardedConnect(guard: ConnectGuard): buildConnector.connector {
  const connect = buildConnector({ timeout: guard.timeoutMs, allowH2: false, lookup: makeLookup(guard) });
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    // What is an address already is never looked up.
    if (isIP(host) !== 0 && !guard.isAllowed(host)) callback(guard.refusal(host), null);
    else connect(options, callback);
  };
}

type LookedUp = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** One address that is not allowed among several is one too many. */
const makeLookup =
  ({ isAllowed, refusal }: ConnectGuard) =>
  (hostname: string, options: LookupOptions, callback: LookedUp): void =>
    lookup(hostname, options, (error, found, family) => {
      const addresses: readonly string[] = Array.isArray(found) ? found.map(({ address }) => address) : [found];
      if (error === null && !addresses.every(isAllowed)) callback(refusal(hostname), found, family);
      else callback(error, found, family);
    });
