/** The last step of a job: parts become the two files of its output dataset. Run again after a crash, it writes the same bytes. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { OUTPUT_FILES } from '../contract/dataset.ts';
import { findJobByUid } from '../db/queries/find-job-by-uid.ts';
import { finishJob } from '../db/queries/finish-job.ts';
import { listParts } from '../db/queries/list-parts.ts';
import { outputKey, partsPrefix } from '../jobs/object-keys.ts';
import type { PartEntry } from '../jobs/part-entries.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { mergeParts } from './merge-parts.ts';
import type { WorkerContext } from './worker-context.ts';

/** Writes the results of a job that waits for them, and removes its parts: those too that a kill in between has left. */
export async function writeResults(
  { store, objects, scratchDir }: WorkerContext,
  jobUid: string,
  signal: AbortSignal,
): Promise<void> {
  const job = await findJobByUid(store.db, jobUid);
  if (job?.state === 'WRITING_RESULTS') {
    const entries = mergeParts({
      objects,
      parts: await listParts(store.db, jobUid),
      rowCount: Math.max(1, job.inputRows ?? 1),
      scratchDir: join(scratchDir, jobUid),
      signal,
    });
    await finishJob(store, jobUid, { files: await writeFiles(objects, jobUid, entries) });
  }
  for await (const { key } of objects.list(partsPrefix(jobUid))) await objects.delete([key]);
}

async function writeFiles(
  objects: ObjectStore,
  jobUid: string,
  entries: AsyncIterable<PartEntry>,
): Promise<readonly WrittenFile[]> {
  const success = openFile(objects, jobUid, OUTPUT_FILES.results);
  const failure = openFile(objects, jobUid, OUTPUT_FILES.errors);
  try {
    for await (const entry of entries) await (entry.kind === 'success' ? success : failure).write(entry.line);
    return await Promise.all([success.end(), failure.end()]);
  } catch (cause) {
    await Promise.allSettled([success.fail(cause), failure.fail(cause)]);
    throw cause;
  }
}

interface WrittenFile {
  readonly name: string;
  readonly objectKey: string;
  readonly bytes: number;
  readonly rows: number;
  readonly sha256: string;
}

interface OutputFile {
  write(line: Buffer): Promise<void>;
  end(): Promise<WrittenFile>;
  fail(cause: unknown): Promise<void>;
}

function openFile(objects: ObjectStore, jobUid: string, name: string): OutputFile {
  const objectKey = outputKey(jobUid, name);
  const hash = createHash('sha256');
  const stream = new PassThrough({ highWaterMark: 1024 * 1024 });
  const stored = objects.putStream(objectKey, stream);
  const failed = stored.then(
    () => undefined,
    (cause: unknown) => stream.destroy(cause instanceof Error ? cause : new Error(String(cause))),
  );
  const tally = { rows: 0, bytes: 0 };
  return {
    async write(line) {
      tally.rows += 1;
      tally.bytes += line.length;
      hash.update(line);
      // A store that has failed drains nothing any more.
      if (!stream.write(line)) await Promise.race([once(stream, 'drain'), stored]);
    },
    async end() {
      stream.end();
      await stored;
      return { name, objectKey, ...tally, sha256: hash.digest('hex') };
    },
    async fail(cause) {
      stream.destroy(cause instanceof Error ? cause : new Error(String(cause)));
      await failed;
    },
  };
}
