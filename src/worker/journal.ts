/**
 * A worker's local file of one job's finished rows that are not committed yet.
 *
 * A row is written at once (so `kill -9` can't lose it: what the kernel has, survives the process), synced within `SYNC_EVERY_MS` (so that a power cut
 * can't either), and committed in a part with many others. A segment file is deleted only after its part is true in the database; whatever is
 * found at the next start is adopted (`adopt-journals.ts`).
 */
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { makeId } from '../base/ids.ts';
import { ClaimTally } from '../jobs/claim-tally.ts';
import { encodeEntry, type PartEntry } from '../jobs/part-entries.ts';

/** At most this much finished work is uncommitted, by bytes and by time. */
const SEGMENT_BYTES = 4 * 1024 * 1024;
const SEGMENT_MS = 2_000;
const SYNC_EVERY_MS = 30;
/** Past this many bytes that wait for a commit, the journal asks dispatch to pause. */
const CROWDED_BYTES = 32 * 1024 * 1024;

/** Finished rows of one job that become one part. */
export interface Segment {
  readonly jobUid: string;
  readonly id: string;
  readonly tally: ClaimTally;
  /** The encoded entries, in the order in which the rows finished. */
  readonly bytes: Buffer;
}

export interface JournalOptions {
  readonly jobUid: string;
  /** Folder of this worker's journals; each job gets a folder inside. */
  readonly dir: string;
  /** Makes a segment true. Retries by itself; rejects only when the worker stops or the disk fails. */
  readonly commit: (segment: Segment) => Promise<void>;
  /** Told when the disk or the commit fails for good: the journal takes no more rows. */
  readonly onFailure: (cause: unknown) => void;
}

interface OpenSegment {
  readonly id: string;
  readonly path: string;
  readonly file: Promise<FileHandle>;
  readonly tally: ClaimTally;
  readonly slabs: Buffer[];
  bytes: number;
  written: number;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #folder: string;
  #segment: OpenSegment | undefined;
  #writing: Promise<void> = Promise.resolve();
  #committing: Promise<void> = Promise.resolve();
  #flushing: Promise<void> | undefined;
  #uncommittedBytes = 0;
  #writeScheduled = false;
  #syncTimer: NodeJS.Timeout | undefined;
  #sealTimer: NodeJS.Timeout | undefined;
  readonly #relieved: (() => void)[] = [];
  #hasFailed = false;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#folder = join(options.dir, options.jobUid);
  }

  add(entry: PartEntry): void {
    this.#segment ??= this.#openSegment();
    const segment = this.#segment;
    const bytes = encodeEntry(entry);
    segment.tally.add(entry);
    segment.slabs.push(bytes);
    segment.bytes += bytes.length;
    this.#uncommittedBytes += bytes.length;
    if (segment.bytes >= SEGMENT_BYTES) this.#seal();
    else this.#scheduleWrite();
  }

  /** Resolves when there is room: at once unless commits have fallen far behind. Nobody waits for a journal that has failed. */
  async room(): Promise<void> {
    while (this.#uncommittedBytes > CROWDED_BYTES && !this.#hasFailed)
      await new Promise<void>((resolve) => this.#relieved.push(resolve));
  }

  /** Commits all that was added so far. While a commit is under way the next one waits for it, so that many flushes share few commits. */
  flush(): Promise<void> {
    this.#flushing ??= this.#committing.then(() => {
      this.#flushing = undefined;
      this.#seal();
      return this.#committing;
    });
    return this.#flushing;
  }

  #openSegment(): OpenSegment {
    const id = makeId(20);
    const path = join(this.#folder, `${id}.journal`);
    this.#sealTimer = setTimeout(() => this.#seal(), SEGMENT_MS);
    const file = mkdir(this.#folder, { recursive: true }).then(() => open(path, 'wx'));
    file.catch((cause: unknown) => this.#fail(cause));
    return { id, path, file, tally: new ClaimTally(), slabs: [], bytes: 0, written: 0 };
  }

  /** One write per turn of the event loop, however many rows it brought. */
  #scheduleWrite(): void {
    if (this.#writeScheduled) return;
    this.#writeScheduled = true;
    setImmediate(() => {
      this.#writeScheduled = false;
      if (this.#segment !== undefined) this.#write(this.#segment);
    });
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined;
      if (this.#segment !== undefined) this.#write(this.#segment, { sync: true });
    }, SYNC_EVERY_MS);
  }

  #write(segment: OpenSegment, options: { readonly sync?: boolean } = {}): void {
    this.#writing = this.#writing.then(async () => {
      const file = await segment.file;
      const pending = segment.slabs.slice(segment.written);
      segment.written = segment.slabs.length;
      if (pending.length > 0) await file.appendFile(pending.length === 1 ? (pending[0] ?? '') : Buffer.concat(pending));
      if (options.sync === true) await file.datasync();
    });
    this.#writing.catch((cause: unknown) => this.#fail(cause));
  }

  #seal(): void {
    const segment = this.#segment;
    if (segment === undefined) return;
    clearTimeout(this.#sealTimer);
    this.#segment = undefined;
    this.#write(segment, { sync: true });
    const written = this.#writing.finally(async () => (await segment.file).close());
    // Told by the commit, which may come later.
    written.catch(() => undefined);
    this.#committing = this.#committing.then(async () => {
      await written;
      await this.#commit(segment);
    });
    this.#committing.catch((cause: unknown) => this.#fail(cause));
  }

  async #commit({ id, path, tally, slabs, bytes }: OpenSegment): Promise<void> {
    await this.#options.commit({ jobUid: this.#options.jobUid, id, tally, bytes: Buffer.concat(slabs) });
    await unlink(path);
    this.#uncommittedBytes -= bytes;
    this.#relieve();
  }

  #fail(cause: unknown): void {
    this.#hasFailed = true;
    this.#relieve();
    this.#options.onFailure(cause);
  }

  #relieve(): void {
    for (const resolve of this.#relieved.splice(0)) resolve();
  }
}
