/** Objects in a bucket of an S3 server: Amazon's, Ceph, MinIO or any other. A put is there whole or not at all, as S3 itself sees to. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { checkKey, objectNotFound } from './object-key.ts';
import type { ByteRange, ObjectStore, StoredObject } from './object-store.ts';
import { isEmptyRange, isMissing, toStoreProblem } from './s3-problem.ts';
import { readS3Url, type S3Place } from './s3-url.ts';

/** A trip that fails is made again so often, with growing pauses. */
const ATTEMPTS = 5;
const CONNECT_MS = 5_000;
/** Silence on a connection, in either direction: then it is given up, and the trip is made again on another. */
const SILENCE_MS = 60_000;
const CONNECTIONS = 64;
/** S3 allows 10,000 parts: 160 GB. */
const PART_BYTES = 16 * 1024 * 1024;
const PARTS_AT_ONCE = 3;
/** What S3 takes in one call. */
const DELETED_AT_ONCE = 1_000;

export interface S3Options {
  /** How long a connection may be silent in the middle of a trip, in milliseconds; default 60,000. */
  readonly silenceMs?: number;
}

/** Opens the bucket that the URL names; it must be there. Keys are found as all S3 tools find them: environment, files, machine role. */
export async function openS3Store(url: string, { silenceMs = SILENCE_MS }: S3Options = {}): Promise<ObjectStore> {
  const place = readS3Url(url);
  const client = makeClient(place, silenceMs);
  try {
    await client.send(new HeadBucketCommand({ Bucket: place.bucket }));
  } catch (cause) {
    client.destroy();
    throw toStoreProblem(cause, place);
  }
  return new S3Store(client, place);
}

const makeClient = ({ endpoint, region }: S3Place, silenceMs: number): S3Client =>
  new S3Client({
    region,
    maxAttempts: ATTEMPTS,
    // With the SDK's default, some servers store the framing of a checksummed stream inside the object.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      // Not `requestTimeout`, after which the SDK writes a warning and goes on waiting.
      socketTimeout: silenceMs,
      httpAgent: { maxSockets: CONNECTIONS },
      httpsAgent: { maxSockets: CONNECTIONS },
    },
    // Servers other than Amazon's rarely have a host name for each bucket.
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
  });

class S3Store implements ObjectStore {
  readonly #client: S3Client;
  readonly #place: S3Place;

  constructor(client: S3Client, place: S3Place) {
    this.#client = client;
    this.#place = place;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const target = this.#toTarget(key);
    await this.#try(() => this.#client.send(new PutObjectCommand({ ...target, Body: bytes, ContentLength: bytes.length })));
  }

  async putStream(key: string, body: AsyncIterable<Uint8Array>): Promise<StoredObject> {
    const target = this.#toTarget(key);
    const sent = new CountedBody(body);
    const upload = new Upload({
      client: this.#client,
      params: { ...target, Body: Readable.from(sent.pieces(), { objectMode: false }) },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    });
    await this.#try(() => upload.done()).catch((cause: unknown) => {
      throw sent.failure === undefined ? cause : sent.failure.cause;
    });
    return { key, bytes: sent.bytes };
  }

  async get(key: string, range: ByteRange = { start: 0 }): Promise<Readable> {
    const first = await this.#open(key, range);
    return Readable.from(this.#goOn(key, range, first), { objectMode: false });
  }

  async read(key: string, range?: ByteRange): Promise<Buffer> {
    return buffer(await this.get(key, range));
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const target = this.#toTarget(key);
    const found = await this.#try(() => this.#client.send(new HeadObjectCommand(target))).catch(ifMissing);
    return found && { key, bytes: found.ContentLength ?? 0 };
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const { bucket, prefix: folder } = this.#place;
    let token: string | undefined;
    do {
      const listing = { Bucket: bucket, Prefix: `${folder}${prefix}`, ContinuationToken: token };
      const page = await this.#try(() => this.#client.send(new ListObjectsV2Command(listing)));
      for (const { Key = '', Size = 0 } of page.Contents ?? []) yield { key: Key.slice(folder.length), bytes: Size };
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async delete(keys: readonly string[]): Promise<void> {
    const objects = keys.map((key) => ({ Key: this.#toTarget(key).Key }));
    for (let at = 0; at < objects.length; at += DELETED_AT_ONCE) {
      const Delete = { Objects: objects.slice(at, at + DELETED_AT_ONCE), Quiet: true };
      const { Errors: [error] = [] } = await this.#try(() =>
        this.#client.send(new DeleteObjectsCommand({ Bucket: this.#place.bucket, Delete })),
      );
      if (error !== undefined) throw toStoreProblem(Object.assign(new Error(error.Message), { name: error.Code }), this.#place);
    }
  }

  /** The bytes of a range; a connection that is cut in the middle is made again where it ended, as objects never change. */
  async *#goOn(key: string, range: ByteRange, first: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let { start } = range;
    let source = first;
    for (let cuts = 0; ; ) {
      try {
        for await (const piece of source) {
          start += piece.length;
          cuts = 0;
          yield piece;
        }
        return;
      } catch (cause) {
        cuts += 1;
        if (cuts >= ATTEMPTS) throw toStoreProblem(cause, this.#place);
        source = await this.#open(key, { ...range, start });
      }
    }
  }

  async #open(key: string, range: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    const target = this.#toTarget(key);
    const { start, end } = range;
    if (end !== undefined && end <= start) return this.#nothingOf(key);
    const Range = start === 0 && end === undefined ? undefined : `bytes=${start}-${end === undefined ? '' : end - 1}`;
    try {
      const { Body } = await this.#client.send(new GetObjectCommand({ ...target, Range }));
      return (Body ?? Readable.from([])) as AsyncIterable<Uint8Array>; // In Node it is a Readable, which the SDK's types leave open.
    } catch (cause) {
      if (isMissing(cause)) throw objectNotFound(key);
      if (isEmptyRange(cause)) return this.#nothingOf(key);
      throw toStoreProblem(cause, this.#place);
    }
  }

  /** An empty range of what is there. */
  async #nothingOf(key: string): Promise<AsyncIterable<Uint8Array>> {
    if ((await this.head(key)) === undefined) throw objectNotFound(key);
    return Readable.from([]);
  }

  async #try<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (cause) {
      throw isMissing(cause) ? cause : toStoreProblem(cause, this.#place);
    }
  }

  #toTarget(key: string): { readonly Bucket: string; readonly Key: string } {
    checkKey(key);
    return { Bucket: this.#place.bucket, Key: `${this.#place.prefix}${key}` };
  }
}

const ifMissing = (cause: unknown): undefined => {
  if (!isMissing(cause)) throw cause;
};

/** A stream on its way out: how long it was, and its own failure apart from the store's. */
class CountedBody {
  bytes = 0;
  failure: { readonly cause: unknown } | undefined;
  readonly #body: AsyncIterable<Uint8Array>;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#body = body;
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of this.#body) {
        this.bytes += piece.length;
        // An empty piece would end the stream.
        if (piece.length > 0) yield piece;
      }
    } catch (cause) {
      this.failure = { cause };
      throw cause;
    }
  }
}
