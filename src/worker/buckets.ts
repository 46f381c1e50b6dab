/** Files on local disk into which entries are dealt, each of a range of rows. What is added is copied and written in slabs: the number of writes stays small. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { EntryTable } from '../jobs/entry-table.ts';
import { toWriteProblem } from '../storage/disk-problem.ts';

const SLAB_BYTES = 128 * 1024;
/** Kept for the next of a bucket's writes: what is held must not grow with the job. */
const MOST_FREE = 2;

export class Buckets {
  readonly #buckets: readonly Bucket[];

  /** The folder is there. */
  constructor(dir: string, count: number) {
    this.#buckets = Array.from({ length: count }, (_, at) => new Bucket(dir, `bucket-${at}`));
  }

  /** Puts an entry into a bucket; one beyond the first or the last goes there. */
  add(at: number, table: EntryTable, place: number): void {
    this.#buckets[Math.max(0, Math.min(at, this.#buckets.length - 1))]?.add(table, place);
  }

  /** Resolves when full slabs are with the kernel: whoever waits for it now and then keeps memory flat. Rejects when the disk fails. */
  async written(): Promise<void> {
    await Promise.all(this.#buckets.map(({ written }) => written));
  }

  /** Resolves with the files, whole. */
  async end(): Promise<readonly { readonly path: string; readonly bytes: number }[]> {
    for (const bucket of this.#buckets) bucket.flush();
    await this.written();
    await this.close();
    return this.#buckets.map(({ path, bytes }) => ({ path, bytes }));
  }

  /** Safe to repeat. */
  async close(): Promise<void> {
    await Promise.all(this.#buckets.map((bucket) => bucket.close()));
  }
}

class Bucket {
  readonly path: string;
  readonly #file: Promise<FileHandle>;
  readonly #failed: (cause: unknown) => never;
  /** Given back when it is written: new ones for each write would keep the garbage collector busy. */
  readonly #free: Buffer[] = [];
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #filled = 0;
  /** Handed over so far. */
  bytes = 0;
  #closed: Promise<void> | undefined;
  written: Promise<void>;

  constructor(dir: string, name: string) {
    this.path = join(dir, name);
    this.#failed = (cause) => {
      throw toWriteProblem(cause, dir);
    };
    this.#file = open(this.path, 'wx').catch(this.#failed);
    this.written = this.#file.then(() => undefined);
    // Told to whoever waits for it.
    this.written.catch(() => undefined);
  }

  add(table: EntryTable, place: number): void {
    const [start, end] = [table.start(place), table.end(place)];
    if (this.#filled + end - start > this.#slab.length) this.flush(end - start);
    this.#filled += table.bytes.copy(this.#slab, this.#filled, start, end);
  }

  /** Hands over what is there, and has room for so many bytes. */
  flush(bytes = 0): void {
    this.bytes += this.#filled;
    this.written = this.#write(this.#slab, this.#filled, this.written);
    this.written.catch(() => undefined);
    this.#slab = bytes > SLAB_BYTES ? Buffer.allocUnsafeSlow(bytes) : (this.#free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES));
    this.#filled = 0;
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.written.catch(() => undefined);
      await (await this.#file.catch(() => undefined))?.close();
    })();
    return this.#closed;
  }

  async #write(slab: Buffer, filled: number, before: Promise<void>): Promise<void> {
    await before;
    const file = await this.#file;
    await file.writeFile(slab.subarray(0, filled)).catch(this.#failed);
    if (slab.length === SLAB_BYTES && this.#free.length < MOST_FREE) this.#free.push(slab);
  }
}
