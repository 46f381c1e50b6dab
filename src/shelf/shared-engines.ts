/** The engines on the board that all processes share, opened in this one: every change there is seen here within seconds, and how they are is said there. */
import { hostname } from 'node:os';
import type { EngineKeeper } from '../actions/manage-engines.ts';
import type { Log } from '../base/log.ts';
import { type EngineBoard, type ProcessReport, SILENT_MS } from '../db/engine-board.ts';
import type { Engine, EngineReport } from '../db/schema.ts';
import { keepLooking } from './keep-looking.ts';
import type { ModelShelf } from './model-shelf.ts';
import { SharedEngine } from './shared-engine.ts';

export interface SharedEnginesOptions {
  readonly board: EngineBoard;
  readonly shelf: ModelShelf;
  /** Keys were sealed with it. */
  readonly secret: Uint8Array;
  readonly log: Pick<Log, 'warn' | 'info'>;
}

/** How soon a change that another process made is seen. */
const LOOK_EVERY_MS = 2_000;
const REPORT_EVERY_MS = 5_000;
/** An engine of which requests tell nothing is asked how it is. */
const ASK_EVERY_MS = 20_000;
/** A report that says nothing new is repeated after this. */
const REPEAT_MS = SILENT_MS / 3;

export class SharedEngines implements EngineKeeper {
  readonly #options: SharedEnginesOptions;
  readonly #process = `${hostname()}/${process.pid}`;
  readonly #ended = new AbortController();
  readonly #rounds: Promise<void>[] = [];
  #engines: readonly SharedEngine[] = [];
  /** Taken out of use, with requests in flight. */
  readonly #leaving = new Set<SharedEngine>();
  #turn: Promise<void> = Promise.resolve();
  #said = { text: '', atMs: Number.NEGATIVE_INFINITY };

  constructor(options: SharedEnginesOptions) {
    this.#options = options;
  }

  /** Opens what there is, and looks after it from here on. Alone with them, a process hears of every change as it is made. */
  async start(): Promise<void> {
    await this.refresh();
    this.#rounds.push(this.#every(ASK_EVERY_MS, () => this.#askSilent()));
    if (this.#options.board.isAlone) return;
    this.#rounds.push(this.#every(LOOK_EVERY_MS, () => this.refresh()));
    this.#rounds.push(this.#every(REPORT_EVERY_MS, () => this.#reportNews()));
  }

  /** To be called when nothing runs any more. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.#rounds);
    await this.#turn;
    await Promise.all([...this.#leaving, ...this.#engines].map((engine) => engine.close()));
    if (this.#rounds.length === 0) return;
    await this.#options.board.leave(this.#process).catch(() => undefined);
  }

  /** One look at a time; who asks during one gets the next. */
  refresh(): Promise<void> {
    const look = this.#turn.then(() => this.#look());
    this.#turn = look.catch(() => undefined);
    return look;
  }

  async report(): Promise<void> {
    await this.#options.board.report(this.#reports());
  }

  async #look(): Promise<void> {
    const { board, shelf, secret, log } = this.#options;
    const rows = await board.list();
    const next = rows.map((row) => this.#engines.find((engine) => engine.is(row)) ?? new SharedEngine(row, secret));
    const gone = this.#engines.filter((engine) => !next.includes(engine));
    for (const engine of next)
      if (!this.#engines.includes(engine) && engine.trouble) log.warn({ engine: engine.key }, engine.trouble);
    const isSame = gone.length === 0 && next.length === this.#engines.length;
    this.#engines = next;
    if (isSame) return;
    for (const engine of gone) this.#leaving.add(engine);
    const left = shelf.share(next.flatMap(({ models }) => models));
    void left.then(() => this.#close(gone)).catch((cause: unknown) => log.warn({ cause }, 'an engine was not closed'));
  }

  async #close(gone: readonly SharedEngine[]): Promise<void> {
    for (const engine of gone) this.#leaving.delete(engine);
    await Promise.all(gone.map((engine) => engine.close()));
  }

  #reports(): readonly ProcessReport[] {
    const statuses = this.#options.shelf.status();
    return this.#engines.map((engine) => {
      const { accountId, id: engineId } = engine.row;
      const others = [...this.#leaving].filter((leaving) => leaving.key === engine.key);
      const models = [engine, ...others].flatMap((each) => each.report(statuses));
      return { accountId, engineId, process: this.#process, models };
    });
  }

  async #reportNews(): Promise<void> {
    const reports = this.#reports();
    const text = JSON.stringify(reports.map(({ models }) => models));
    const nowMs = performance.now();
    if (text !== this.#said.text || nowMs - this.#said.atMs >= REPEAT_MS) {
      await this.#options.board.report(reports);
      this.#said = { text, atMs: nowMs };
    }
    await this.#shareBudgets();
  }

  /** A bound is for all processes together: each of those that use the engine takes an equal part. */
  async #shareBudgets(): Promise<void> {
    const bounded = this.#engines.filter(({ budget }) => budget !== undefined);
    for (const [accountId, engines] of Map.groupBy(bounded, ({ row }) => row.accountId)) {
      const reports = await this.#options.board.reports(accountId);
      for (const { row, budget } of engines) budget?.share(1 / this.#countUsers(row, reports));
    }
  }

  #countUsers({ id }: Engine, reports: readonly EngineReport[]): number {
    const users = reports.filter(({ engineId, models }) => engineId === id && models.some(({ inUse }) => inUse));
    return new Set([...users.map((report) => report.process), this.#process]).size;
  }

  async #askSilent(): Promise<void> {
    const { shelf } = this.#options;
    const silent = this.#engines.filter(({ upstream }) => upstream && shelf.isSilent(upstream, ASK_EVERY_MS));
    await Promise.all(
      silent.map(async (engine) => {
        const verdict = await engine.ask();
        if (engine.upstream !== undefined && verdict !== undefined) shelf.heard(engine.upstream, verdict);
      }),
    );
  }

  #every(everyMs: number, work: () => Promise<void>): Promise<void> {
    const { log } = this.#options;
    return keepLooking(work, {
      everyMs,
      signal: this.#ended.signal,
      onTrouble: (cause) => log.warn({ cause }, 'cannot look after the engines, trying again'),
    });
  }
}
