/** One HTTP call: its URL, its key, its tries; a JSON reply, or an `ApiError`. */
import { ApiError, toApiError, toConnectionError } from './errors.ts';
import { withRetries } from './retry.ts';

const DEFAULT_RETRIES = 4;
const DEFAULT_TIMEOUT_MS = 60_000;

/** What every client needs to know. */
export interface ClientOptions {
  /** Where the server is: `http://127.0.0.1:8080`. A trailing `/v1` is fine. */
  readonly baseUrl: string;
  /** Sent as bearer token. Signed links go without. */
  readonly apiKey: string;
  /** Default: the account of the key. */
  readonly accountId?: string;
  /** In place of the global one. */
  readonly fetch?: typeof fetch;
  /** How often a call is tried again after a lost connection, 408, 429, 5xx or a passing conflict. Default 4. */
  readonly retries?: number;
  /** How long one try of a call may take; uploads and downloads of files take as long as they take. Default 60 s. */
  readonly timeoutMs?: number;
}

/** What every call can be told. */
export interface CallOptions {
  /** Aborts the call, with all its tries. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/** What a call that makes something can be told. */
export interface CreateOptions extends CallOptions {
  /**
   * Sent as `Idempotency-Key`: for 24 hours calls with the same key and the same body make one thing, and get the first reply again. Default: a new one for
   * each call, the same for all its tries. Give your own to make a call again after your program has died.
   */
  readonly idempotencyKey?: string | undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** A call with JSON in and, mostly, out. */
export interface ApiCall extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the base URL: `/v1/accounts/-/datasets`. */
  readonly path: string;
  readonly query?: Query | undefined;
  readonly body?: unknown;
  /** True for a POST that does no harm when it is done twice; every other method is one. */
  readonly isRepeatable?: boolean;
  /** Makes a POST repeatable: the server does it once, however often it comes in. */
  readonly idempotencyKey?: string | undefined;
  /** Reads a refusal of a repeated call that may mean that the try before had worked; what it answers, unless undefined, is the reply. */
  readonly ifRepeated?: (error: ApiError) => Promise<unknown> | undefined;
}

/** Whatever `fetch` sends. */
export type RequestBody = NonNullable<RequestInit['body']>;

/** A call whose body or reply are bytes; `url` is whole, and its credentials are the caller's. */
export interface RawCall extends CallOptions {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
}

/** A reply that isn't JSON. */
export interface TextReply {
  readonly text: string;
  readonly headers: Headers;
}

/** What all resources of a client share. */
export interface Transport {
  readonly accountId: string;
  readonly retries: number;
  /** A call with a JSON reply. Tries again by itself; rejects with `ApiError`. */
  request<Reply>(call: ApiCall): Promise<Reply>;
  /** The same with a text as reply, whole, and its headers. */
  requestText(call: ApiCall): Promise<TextReply>;
  /** One try; rejects with `ApiError` for whatever is not a success, or 308. */
  send(url: string, call: RawCall): Promise<Response>;
  /** The whole URL of a path, and the header that opens it. */
  toUrl(path: string, query?: Query): string;
  readonly authorization: Readonly<Record<string, string>>;
}

/** Makes the transport that all resources of a client share. */
export function makeTransport(options: ClientOptions): Transport {
  const { apiKey, accountId = '-', retries = DEFAULT_RETRIES, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '');
  const authorization = { authorization: `Bearer ${apiKey}` };
  const toUrl = (path: string, query: Query = {}) => `${baseUrl}${path}${toQueryText(query)}`;

  const send = async (url: string, call: RawCall): Promise<Response> => {
    const response = await exchange(options.fetch ?? fetch, url, call);
    // A 308 that leads elsewhere has been followed; one without a location says that a part of an upload is here.
    if (response.ok || response.status === 308) return response;
    throw await toApiError(response);
  };

  const ask = <Reply>(call: ApiCall, read: (response: Response) => Promise<Reply>): Promise<Reply> => {
    const { method, path, query, body, signal, idempotencyKey, ifRepeated } = call;
    const url = toUrl(path, query);
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = {
      ...authorization,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    };
    const attempt = async (triesBefore: number): Promise<Reply> => {
      const limit = AbortSignal.timeout(timeoutMs);
      const either = signal ? AbortSignal.any([signal, limit]) : limit;
      try {
        const response = await send(url, { method, headers, ...json, signal: either });
        return await read(response).catch((cause: unknown) => {
          throw fromAbort(signal, cause) ?? toConnectionError(cause, url);
        });
      } catch (error) {
        const settled = triesBefore > 0 && error instanceof ApiError ? await ifRepeated?.(error) : undefined;
        if (settled === undefined) throw error;
        return settled as Reply; // Whoever asked for it knows what it answers.
      }
    };
    const isRepeatable = call.isRepeatable ?? (method !== 'POST' || idempotencyKey !== undefined);
    return withRetries(attempt, { retries, isRepeatable, signal });
  };

  return {
    accountId,
    retries,
    // The server keeps the contract; a client that checks it again would refuse newer servers.
    request: <Reply>(call: ApiCall) => ask(call, async (response) => (await response.json()) as Reply),
    requestText: (call) => ask(call, async (response) => ({ text: await response.text(), headers: response.headers })),
    send,
    toUrl,
    authorization,
  };
}

async function exchange(fetchIt: typeof fetch, url: string, { signal, ...call }: RawCall): Promise<Response> {
  const init = { ...call, ...(signal && { signal }), ...(isLarge(call.body) && AS_IT_COMES) };
  try {
    return await fetchIt(url, init as RequestInit);
  } catch (cause) {
    throw fromAbort(signal, cause) ?? toConnectionError(cause, url);
  }
}

/** A body that is read while it is sent. */
const isLarge = (body: RequestBody | undefined): boolean => body instanceof ReadableStream || body instanceof Blob;

/**
 * `duplex`: it is sent while it is read. The others: nobody will need it a second time. Without them Node's fetch keeps a copy of all that it has
 * sent, for a redirect: 1.6 GB of memory for a file of 1.5 GB, 0.1 GB with them (2026-11).
 */
const AS_IT_COMES = { duplex: 'half', redirect: 'error', window: null } as const;

/** The caller's own abort is no error of the connection; a time limit of ours is. */
const fromAbort = (signal: AbortSignal | undefined, cause: unknown): unknown => {
  const isAbort = signal?.aborted === true && !(signal.reason instanceof Error && signal.reason.name === 'TimeoutError');
  return isAbort ? (signal.reason ?? cause) : undefined;
};

const toQueryText = (query: Query): string => {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  return entries.length === 0
    ? ''
    : `?${new URLSearchParams(entries.map(([name, value]): [string, string] => [name, String(value)]))}`;
};

/** A random word that nobody else has. (`crypto.randomUUID` is not there on pages that came by plain http.) */
export const makeWord = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
