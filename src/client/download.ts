/** Files on their way from the server, by signed links: what breaks off goes on where it stopped. */
import { ApiError, toConnectionError } from './errors.ts';
import { withRetries } from './retry.ts';
import type { CallOptions, RawCall, Transport } from './transport.ts';

/** A file that can be downloaded. */
export interface RemoteFile {
  /** `dataset/out-01/BIJOutputSet.jsonl`: no two files of a dataset, or of a lineage, share one. */
  readonly key: string;
  /** The last part of the key. */
  readonly name: string;
  /** What it is, without its bytes. */
  head(options?: CallOptions): Promise<RemoteFacts>;
  /** Its bytes, from `start` on. */
  read(options?: ReadOptions): AsyncIterable<Uint8Array>;
}

/** What is known of a file before it is read. */
export interface RemoteFacts {
  /** Absent for what is made while it is sent, such as a merge. */
  readonly bytes?: number;
  /** Changes with the content; absent where the server can't tell. */
  readonly etag?: string;
}

/** From where on to read. */
export interface ReadOptions extends CallOptions {
  /** How many bytes are here already. Default 0. */
  readonly start?: number;
  /** Of the file that those bytes were of; when it is another one by now, reading is refused with FILE_CHANGED. Default: whatever is there. */
  readonly etag?: string | undefined;
}

/** Where a file is, and how to find it again when its link has expired. */
export interface FileLink {
  readonly key: string;
  readonly url: string;
  renew(): Promise<string>;
}

/** Makes a file out of a link. */
export function makeRemoteFile(transport: Transport, { key, url: firstUrl, renew }: FileLink): RemoteFile {
  let url = firstUrl;

  /** One call to the link; an expired link is asked for again, once. */
  const call = async (raw: RawCall): Promise<Response> => {
    try {
      return await transport.send(url, raw);
    } catch (error) {
      if (!(error instanceof ApiError) || ![401, 403, 410].includes(error.status)) throw error;
      url = await renew();
      return transport.send(url, raw);
    }
  };

  const retried = <T>(attempt: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> =>
    withRetries(attempt, { retries: transport.retries, isRepeatable: true, signal });

  /** The bytes from a place on, which moves with them. */
  async function* readOn(place: Place, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const range = place.at === 0 ? undefined : { range: `bytes=${place.at}-`, ...(place.etag && { 'if-range': place.etag }) };
    const response = await retried(() => call({ method: 'GET', headers: range ?? {}, signal }), signal);
    if (range !== undefined && response.status !== 206) throw await changed(response, key);
    place.etag ??= toFacts(response).etag;
    for await (const chunk of chunksOf(response)) {
      place.at += chunk.length;
      yield chunk;
    }
  }

  return {
    key,
    name: key.slice(key.lastIndexOf('/') + 1),
    head: ({ signal } = {}) => retried(async () => toFacts(await call({ method: 'HEAD', signal })), signal),
    read: ({ start = 0, etag, signal } = {}) =>
      readThrough({ at: start, etag }, (place) => readOn(place, signal), {
        retries: transport.retries,
        toError: (cause) => (signal?.aborted ? signal.reason : toConnectionError(cause, url)),
      }),
  };
}

/** Reads to the end, going on at the same place whenever the connection breaks off. */
async function* readThrough(
  place: Place,
  readOn: (place: Place) => AsyncIterable<Uint8Array>,
  { retries, toError }: { readonly retries: number; readonly toError: (cause: unknown) => unknown },
): AsyncGenerator<Uint8Array> {
  for (let tries = 0; ; tries++) {
    const before = place.at;
    try {
      return yield* readOn(place);
    } catch (cause) {
      if (cause instanceof ApiError) throw cause;
      if (place.at > before) tries = 0;
      const error = toError(cause);
      // Without a mark nobody could tell whether the rest is of the same file.
      if (!(error instanceof ApiError) || place.etag === undefined || tries >= retries) throw error;
    }
  }
}

/** By a reader: not every browser lets a body be walked. */
async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    // Whoever stops early leaves no connection behind.
    await reader.cancel().catch(() => undefined);
  }
}

/** How far a download is, and of what. */
interface Place {
  at: number;
  etag: string | undefined;
}

const toFacts = ({ headers }: Response): RemoteFacts => {
  const [bytes, etag] = [headers.get('content-length'), headers.get('etag')];
  return { ...(bytes !== null && { bytes: Number(bytes) }), ...(etag !== null && { etag }) };
};

async function changed(response: Response, key: string): Promise<ApiError> {
  await response.body?.cancel();
  return new ApiError(`${key} is another file than the one that the download began with. Begin again.`, {
    code: 'ABORTED',
    reason: 'FILE_CHANGED',
    status: response.status,
  });
}
