/** What a worker notes on the timelines of its jobs: what a person should know, said once and not every second. */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { Problem } from '../base/problem.ts';
import type { JobNote, LeasedJobs } from '../jobs/leased-jobs.ts';

/** The same trouble is noted again only after this time. */
const AGAIN_MS = 60_000;

/** Trouble that means that no engine can be had for the job. */
const ENGINE_REASONS: ReadonlySet<string> = new Set([
  'NO_ENGINE_FOR_MODEL',
  'ENGINE_UNREACHABLE',
  'ENGINE_BINARY_MISSING',
  'MODEL_FILE_INVALID',
  'MODEL_FILE_NOT_FOUND',
  'DOWNLOAD_FAILED',
]);

export interface JobNotesOptions {
  readonly jobs: Pick<LeasedJobs, 'note' | 'latestNote'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Whose engines: a job's, for one model. */
export interface EnginesOf {
  readonly jobUid: string;
  readonly model: string | undefined;
}

/** One of several engines of a job's model. */
export interface EngineOf extends EnginesOf {
  readonly engine: string;
}

const ONE_ENGINE = { failing: 'engine-failing', recovered: 'engine-recovered' } as const;

export class JobNotes {
  readonly #options: JobNotesOptions;
  /** Whether the timeline says that there is no engine for a job and a model; looked up once, as an earlier process may have said so. */
  readonly #lost = new Map<string, Promise<boolean>>();
  readonly #told = new Map<string, number>();
  /** Engines of which it was said that they fail while others go on. */
  readonly #failing = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: JobNotesOptions) {
    this.#options = options;
  }

  /** Something went wrong and is tried again; with rows of the model, where it concerns one. */
  trouble(jobUid: string, cause: unknown, model?: string): void {
    if (cause instanceof Problem && ENGINE_REASONS.has(cause.reason)) {
      this.engines({ jobUid, model }, cause.message);
      return;
    }
    const reason = cause instanceof Problem ? cause.reason : 'INTERNAL';
    const now = performance.now();
    const key = `${jobUid}/${reason}`;
    if (now - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
    forgetMany(this.#told);
    this.#told.set(key, now);
    const message = cause instanceof Problem ? cause.message : 'Something went wrong in the server; its log says more.';
    this.#note({ jobUid, kind: 'trouble', message: `${message} It is tried again.`, details: { reason } });
  }

  /** How a model's engines are for a job: `why` none of them can answer, undefined when one can. Noted when it changes. */
  engines(of: EnginesOf, why: string | undefined): void {
    const key = `${of.jobUid}/${of.model ?? ''}`;
    const before = this.#lost.get(key) ?? this.#findLost(of);
    const isLost = why !== undefined;
    forgetMany(this.#lost);
    this.#lost.set(
      key,
      before.then(
        (wasLost) => {
          if (wasLost !== isLost) this.#noteEngines(of, why);
          return isLost;
        },
        () => isLost,
      ),
    );
  }

  /** How one of several engines is: `why` it does not answer while others do, undefined when it does. Noted when it changes, not too often. */
  engine({ jobUid, model, engine }: EngineOf, why: string | undefined): void {
    const key = `${jobUid}/${model ?? ''}/${engine}`;
    if (this.#failing.has(key) === (why !== undefined)) return;
    const nowMs = performance.now();
    if (why !== undefined && nowMs - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
    forgetMany(this.#told);
    this.#told.set(key, nowMs);
    if (why === undefined) this.#failing.delete(key);
    else this.#failing.add(key);
    const message = why === undefined ? `${engine} answers again.` : `${engine}: ${why} The other engines go on without it.`;
    const kind = why === undefined ? ONE_ENGINE.recovered : ONE_ENGINE.failing;
    this.#noteOnce({ jobUid, kind, message, details: { ...(model !== undefined && { model }), engine } });
  }

  /** Resolves when all that was said so far is written. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#lost.values());
    await this.#turn;
  }

  #noteEngines({ jobUid, model }: EnginesOf, why: string | undefined): void {
    const details = model === undefined ? {} : { model };
    if (why === undefined) this.#note({ jobUid, kind: 'engine-back', message: 'An engine answers again.', details });
    else this.#note({ jobUid, kind: 'engine-lost', message: why, details });
  }

  /** Of a job with several models the last one that was lost or came back is known; of the others it may be noted once more. */
  async #findLost({ jobUid, model }: EnginesOf): Promise<boolean> {
    const latest = await this.#options.jobs.latestNote(jobUid, ['engine-lost', 'engine-back']);
    return latest?.kind === 'engine-lost' && (latest.details['model'] ?? model) === model;
  }

  /** Other workers see the same engines: the first that says it is enough. */
  #noteOnce(note: Omit<JobNote, 'at'>): void {
    const isSaid = async (): Promise<boolean> => {
      const latest = await this.#options.jobs.latestNote(note.jobUid, Object.values(ONE_ENGINE));
      return latest?.kind === note.kind && latest.details['engine'] === note.details['engine'];
    };
    this.#turn = this.#turn.then(isSaid).then(
      (said) => {
        if (!said) this.#note(note);
      },
      () => this.#note(note),
    );
  }

  /** In the order in which things happened. A job that was deleted meanwhile has no timeline any more; a database in trouble is told by others. */
  #note(note: Omit<JobNote, 'at'>): void {
    const { jobs, clock, log } = this.#options;
    const at = clock.now();
    this.#turn = this.#turn
      .then(() => jobs.note({ ...note, at }))
      .catch((cause: unknown) => log.warn({ cause, jobUid: note.jobUid }, 'cannot note an event'));
  }
}

/** A worker lives long and meets many jobs. What is forgotten is at worst said once more. */
function forgetMany(map: Map<string, unknown>): void {
  if (map.size > 1_000) map.clear();
}
