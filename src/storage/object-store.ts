import type { Readable } from 'node:stream';

/** A half-open byte range; `end` is exclusive, absent means to the end of the object. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
}

/**
 * Where bytes live: dataset files, plans, parts, reports. Keys are slash-separated, made by us, never by a user.
 *
 * A put is all or nothing, and durable when it returns (P10). Objects never change: whoever writes a key twice writes the same bytes.
 * Every implementation passes `test/conformance/object-store.ts`.
 */
export interface ObjectStore {
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Writes what the stream gives; when the stream fails, nothing is left behind and the failure is thrown on. */
  putStream(key: string, body: AsyncIterable<Uint8Array>): Promise<StoredObject>;
  /** Streams an object; a `Problem` NOT_FOUND with reason `OBJECT_NOT_FOUND` when there is none. */
  get(key: string, range?: ByteRange): Promise<Readable>;
  /** Reads a range into memory; same errors as `get`. */
  read(key: string, range?: ByteRange): Promise<Buffer>;
  /** The path of an object, where it is a file of this machine: for what reads nothing else. Absent where none is. */
  pathOf?(key: string): string;
  head(key: string): Promise<StoredObject | undefined>;
  /** All objects whose key starts with the prefix, in key order. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Deleting what is not there is not an error. */
  delete(keys: readonly string[]): Promise<void>;
}
