/** A job's input: the files of its dataset one after the other, by name, as if they were one. */
import { Problem } from '../base/problem.ts';
import { listDatasetFiles } from '../db/queries/list-dataset-files.ts';
import type { DatasetFile } from '../db/schema.ts';
import type { Job } from '../jobs/job.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { WorkerContext } from './worker-context.ts';

type PlacedFile = Pick<DatasetFile, 'name' | 'bytes' | 'objectKey'> & {
  /** Where its first byte is in the input. */
  readonly start: number;
};

/** Finds the files of a job's input. */
export async function openInput({ store, objects }: Pick<WorkerContext, 'store' | 'objects'>, job: Job): Promise<Input> {
  const files = await listDatasetFiles(store.db, job.accountId, job.inputDatasetId);
  if (files.length > 0) return new Input(objects, files);
  throw new Problem(
    'FAILED_PRECONDITION',
    `Dataset ${job.inputDatasetId} holds no file. Upload one, then create the job again.`,
    { reason: 'DATASET_EMPTY' },
  );
}

export class Input {
  readonly files: readonly PlacedFile[];
  readonly #objects: ObjectStore;

  constructor(objects: ObjectStore, files: readonly Omit<PlacedFile, 'start'>[]) {
    let start = 0;
    this.#objects = objects;
    this.files = files.map((file) => {
      const placed = { ...file, start };
      start += file.bytes;
      return placed;
    });
  }

  /** All its bytes, file by file. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    for (const { objectKey } of this.files) yield* await this.#objects.get(objectKey);
  }

  /** Bytes from `start` up to `end`, wherever the borders of the files are. */
  async read(start: number, end: number): Promise<Buffer> {
    const pieces = await Promise.all(
      this.files
        .filter((file) => start < file.start + file.bytes && end > file.start)
        .map((file) =>
          this.#objects.read(file.objectKey, {
            start: Math.max(0, start - file.start),
            end: Math.min(file.bytes, end - file.start),
          }),
        ),
    );
    const [first] = pieces;
    return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
  }
}
