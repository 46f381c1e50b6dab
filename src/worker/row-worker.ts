/** The part of a worker that runs rows. It knows neither the database nor where its leases come from, so it can work far from both. */
import type { Progress } from '../jobs/job.ts';
import { type Adoption, adoptJournals } from './adopt-journals.ts';
import { JobNotes } from './job-notes.ts';
import { JobWatch } from './job-watch.ts';
import { Rounds } from './rounds.ts';
import { ShardLoop } from './shard-loop.ts';
import type { OnTrouble, RowContext } from './worker-context.ts';

export class RowWorker {
  readonly #context: RowContext;
  readonly #shards: ShardLoop;
  readonly #notes: JobNotes;
  readonly #watch: Rounds;
  /** Notes trouble with a job on its timeline, and tells whoever listens. */
  readonly trouble: OnTrouble;

  constructor(given: RowContext) {
    const { jobs, log, onTrouble } = given;
    this.#notes = new JobNotes(given);
    this.trouble = (...trouble) => {
      this.#notes.trouble(...trouble);
      onTrouble?.(...trouble);
    };
    this.#context = { ...given, onTrouble: this.trouble };
    this.#shards = new ShardLoop(this.#context);
    const watch = new JobWatch(this.#shards, { jobs, notes: this.#notes });
    this.#watch = new Rounds(() => watch.look(), log);
  }

  /** Adopts what a dead process left on this disk, then begins to work. */
  async start(): Promise<Adoption> {
    const { journalDir, objects, leases, log } = this.#context;
    const adoption = await adoptJournals(journalDir, { objects, leases });
    if (adoption.segments > 0) log.info({ ...adoption }, 'journals adopted');
    this.#shards.start();
    this.#watch.start();
    return adoption;
  }

  /** Takes no more rows, lets those in flight finish for a while, commits, gives everything back. */
  async stop(): Promise<void> {
    await Promise.all([this.#shards.stop(), this.#watch.stop()]);
    await this.#notes.settled();
  }

  /** What this worker has finished of a job beyond the committed parts. */
  live(jobUid: string): Progress | undefined {
    return this.#shards.live(jobUid);
  }

  /** Ends this worker's part in a job, keeping what is finished. */
  drop(jobUid: string): Promise<void> {
    return this.#shards.drop(jobUid);
  }
}
