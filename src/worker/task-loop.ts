/** Runs the tasks that concern a whole job, plan and merge: one at a time, again after a failure. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Task, TaskKind } from '../db/store.ts';
import { startHeartbeat } from './heartbeat.ts';
import type { WorkerContext } from './worker-context.ts';

const IDLE_MS = 1_000;
const AGAIN_MS = 2_000;

export class TaskLoop {
  readonly #context: WorkerContext;
  readonly #kind: TaskKind;
  readonly #run: (jobUid: string, signal: AbortSignal) => Promise<void>;
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(context: WorkerContext, kind: TaskKind, run: (jobUid: string, signal: AbortSignal) => Promise<void>) {
    this.#context = context;
    this.#kind = kind;
    this.#run = run;
  }

  start(): void {
    this.#loop = this.#runTasks();
  }

  /** Breaks off what is under way: a plan or a merge is repeatable from its start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #runTasks(): Promise<void> {
    const { queue } = this.#context.store;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const [task] = await queue.take(this.#kind, 1);
        if (task === undefined) await queue.waitForWork([this.#kind], IDLE_MS, signal);
        else await this.#runTask(task);
      } catch (cause) {
        if (signal.aborted) return;
        this.#context.log.warn({ cause, kind: this.#kind }, 'task loop failed, trying again');
        await delay(AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #runTask(task: Task): Promise<void> {
    const { queue } = this.#context.store;
    const lost = new AbortController();
    const stopHeartbeat = startHeartbeat(() => this.#keep(task, lost), this.#context.log);
    try {
      await this.#run(task.jobUid, AbortSignal.any([this.#stop.signal, lost.signal]));
      await queue.settle(task);
    } catch (cause) {
      // Told first: the database may be what is in trouble.
      if (!this.#stop.signal.aborted) this.#trouble(task, cause);
      await queue.giveBack(task, this.#stop.signal.aborted ? {} : { afterMs: AGAIN_MS });
    } finally {
      stopHeartbeat();
    }
  }

  #trouble({ jobUid }: Task, cause: unknown): void {
    this.#context.log.error({ cause, kind: this.#kind, jobUid }, 'task failed, trying again');
    this.#context.onTrouble?.(jobUid, cause);
  }

  async #keep(task: Task, lost: AbortController): Promise<void> {
    const gone = await this.#context.store.queue.keep([task]);
    if (gone.length > 0) lost.abort();
  }
}
