/** A file of an output dataset while it is written: its lines into the object store, with its size, rows and hash. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { outputKey } from '../jobs/object-keys.ts';
import { CheckpointWriter, checkpointsOf } from '../jobs/row-checkpoints.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** A file that is in the object store. */
export interface WrittenFile {
  readonly name: string;
  readonly objectKey: string;
  readonly bytes: number;
  readonly rows: number;
  readonly sha256: string;
}

/** Lines one after the other, each with its end: many at a time are cheaper than one by one. */
export interface Lines {
  readonly bytes: Buffer;
  /** Of each, in bytes. */
  readonly lengths: readonly number[];
}

export interface OutputFile {
  write(lines: Lines): Promise<void>;
  end(): Promise<WrittenFile>;
  /** To be called after the end: where its rows are, as a file beside it; undefined for a small one. */
  writeCheckpoints(): Promise<WrittenFile | undefined>;
  fail(cause: unknown): Promise<void>;
}

interface FilePlace {
  readonly jobUid: string;
  readonly name: string;
}

/** Begins a file. */
export function openOutputFile(objects: ObjectStore, { jobUid, name }: FilePlace): OutputFile {
  const objectKey = outputKey(jobUid, name);
  const hash = createHash('sha256');
  // What is read comes piece by piece as it was written: of bytes, a stream would make one piece of all that waits.
  const stream = new PassThrough({ writableHighWaterMark: 1024 * 1024, readableObjectMode: true, readableHighWaterMark: 2 });
  // Why it ended is told by the store; a stream whose error nobody hears ends the process.
  stream.on('error', () => undefined);
  const stored = objects.putStream(objectKey, stream);
  const failed = stored.then(
    () => undefined,
    (cause: unknown) => stream.destroy(cause instanceof Error ? cause : new Error(String(cause))),
  );
  const tally = { rows: 0, bytes: 0 };
  const checkpoints = new CheckpointWriter();
  return {
    async write({ bytes, lengths }) {
      for (const length of lengths) checkpoints.add(length);
      tally.rows += lengths.length;
      tally.bytes += bytes.length;
      hash.update(bytes);
      // A store that has failed drains nothing any more, and why it has failed counts for more than that nobody reads the stream.
      if (!stream.write(bytes)) await Promise.race([once(stream, 'drain').catch(() => stored), stored]);
    },
    async end() {
      stream.end();
      await stored;
      return { name, objectKey, ...tally, sha256: hash.digest('hex') };
    },
    async writeCheckpoints() {
      const bytes = checkpoints.encode();
      return bytes.length === 0 ? undefined : putFile(objects, { jobUid, name: checkpointsOf(name) }, bytes);
    },
    async fail(cause) {
      stream.destroy(cause instanceof Error ? cause : new Error(String(cause)));
      await failed;
    },
  };
}

async function putFile(objects: ObjectStore, { jobUid, name }: FilePlace, bytes: Buffer): Promise<WrittenFile> {
  const objectKey = outputKey(jobUid, name);
  await objects.put(objectKey, bytes);
  return { name, objectKey, bytes: bytes.length, rows: 0, sha256: createHash('sha256').update(bytes).digest('hex') };
}
