import type { Job } from './job.ts';
import type { JobState } from './states.ts';

/** All of a job that it takes to run its rows. */
export interface LeasedJob extends Pick<Job, 'uid' | 'model' | 'settings' | 'rowFormat'> {
  readonly planKey: string;
  /** Of its input, in order. */
  readonly files: readonly InputFile[];
}

/** One of the files of an input. */
export interface InputFile {
  readonly name: string;
  readonly bytes: number;
  readonly objectKey: string;
}

/** Something that a person should find on a job's timeline. */
export interface JobNote {
  readonly jobUid: string;
  readonly at: Date;
  /** What happened, for programs: `engine-lost`. */
  readonly kind: string;
  /** The same for people. */
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * What a worker has to know of the jobs whose rows it runs, and what it says of them. Like `Leases` it has two implementations: on the database, and over
 * HTTP. Everything may be repeated.
 */
export interface LeasedJobs {
  /** Undefined when the job is gone, or was never planned. */
  open(jobUid: string): Promise<LeasedJob | undefined>;
  /** By uid; a job that is gone is left out. */
  states(jobUids: readonly string[]): Promise<ReadonlyMap<string, JobState>>;
  /** Ends a job, with what is committed, as no engine will ever answer one of its rows. */
  giveUp(jobUid: string, why: Pick<Job, 'statusCode' | 'statusMessage'>): Promise<void>;
  /** Writes something on the job's timeline. */
  note(note: JobNote): Promise<void>;
  /** The latest note of these kinds. */
  latestNote(jobUid: string, kinds: readonly string[]): Promise<Pick<JobNote, 'kind' | 'details'> | undefined>;
}
