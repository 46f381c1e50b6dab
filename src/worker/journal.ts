/**
 * A worker's local file of one job's finished rows that are not committed yet.
 *
 * A row is written at once and synced soon (`segment-file.ts`), so that neither `kill -9` nor a power cut can lose it, and committed in a part with many
 * others. A segment's file is deleted only after its part is true in the database; whatever is found at the next start is adopted (`adopt-journals.ts`).
 */

import { dirname, join } from 'node:path';
import { crashPoint } from '../base/crash-point.ts';
import { makeId } from '../base/ids.ts';
import { addUp } from '../jobs/add-up.ts';
import { ClaimTally } from '../jobs/claim-tally.ts';
import type { Progress } from '../jobs/job.ts';
import { encodeEntry, type PartEntry } from '../jobs/part-entries.ts';
import { SegmentFile } from './segment-file.ts';

/** At most this much finished work is uncommitted, by bytes and by time. */
const SEGMENT_BYTES = 4 * 1024 * 1024;
const SEGMENT_MS = 2_000;
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
  readonly file: SegmentFile;
  readonly tally: ClaimTally;
  readonly slabs: Buffer[];
  bytes: number;
  /** Settled when its rows are true, or can't become it here. */
  readonly committed: PromiseWithResolvers<void>;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #folder: string;
  #segment: OpenSegment | undefined;
  /** The open one, and those that wait for their commit. */
  readonly #uncommitted = new Set<OpenSegment>();
  #committing: Promise<void> = Promise.resolve();
  #flushing: Promise<void> | undefined;
  #uncommittedBytes = 0;
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
    segment.file.append(bytes);
    crashPoint('journal.after-append');
    segment.bytes += bytes.length;
    this.#uncommittedBytes += bytes.length;
    if (segment.bytes >= SEGMENT_BYTES) this.#seal();
  }

  /** What was added and is not committed yet. */
  get uncommitted(): Progress {
    return addUp(Array.from(this.#uncommitted, ({ tally }) => tally.total));
  }

  /** Resolves when there is room: at once unless commits have fallen far behind. Nobody waits for a journal that has failed. */
  async room(): Promise<void> {
    while (this.#uncommittedBytes > CROWDED_BYTES && !this.#hasFailed)
      await new Promise<void>((resolve) => this.#relieved.push(resolve));
  }

  /** Resolves when all that was added so far is committed, which comes by itself: a segment stays open for no more than `SEGMENT_MS`. */
  async committed(): Promise<void> {
    await [...this.#uncommitted].at(-1)?.committed.promise;
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
    this.#sealTimer = setTimeout(() => this.#seal(), SEGMENT_MS);
    const file = new SegmentFile({
      path: join(this.#folder, `${id}.journal`),
      root: dirname(this.#options.dir),
      onFailure: (cause) => this.#fail(cause),
    });
    const segment: OpenSegment = { id, file, tally: new ClaimTally(), slabs: [], bytes: 0, committed: Promise.withResolvers() };
    // Told to `onFailure`, also where nobody waits for it.
    segment.committed.promise.catch(() => undefined);
    this.#uncommitted.add(segment);
    return segment;
  }

  #seal(): void {
    const segment = this.#segment;
    if (segment === undefined) return;
    clearTimeout(this.#sealTimer);
    this.#segment = undefined;
    const stored = segment.file.close();
    // Told by the commit, which may come later.
    stored.catch(() => undefined);
    this.#committing = this.#committing.then(async () => {
      await stored;
      await this.#commit(segment);
    });
    segment.committed.resolve(this.#committing);
    this.#committing.catch((cause: unknown) => this.#fail(cause));
  }

  async #commit(segment: OpenSegment): Promise<void> {
    const { id, file, tally, slabs, bytes } = segment;
    await this.#options.commit({ jobUid: this.#options.jobUid, id, tally, bytes: Buffer.concat(slabs) });
    this.#uncommitted.delete(segment);
    await file.remove();
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
