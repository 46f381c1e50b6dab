/** One seed from its first process to its verdict. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { checkJob, type Evidence, type Figures, type JobNumbers, type Violation } from './checker.ts';
import { type House, type HouseOptions, openHouse } from './house.ts';
import { collect, continueOrder, type Order, outcomeOf, placeOrder, readOrder } from './orders.ts';
import type { Fault, Scenario, Shape } from './scenario.ts';

/** What came of a seed. */
export interface SeedResult {
  readonly scenario: Scenario;
  readonly seconds: number;
  /** What was not kept; empty is good. */
  readonly violations: readonly (Violation | { readonly kind: 'stuck' | 'broken'; readonly what: string })[];
  /** Of all its jobs. */
  readonly figures: Figures;
  /** Starts of processes beyond the first of each. */
  readonly restarts: number;
  /** Whether its crash point was passed as often as it should; undefined where it has none. */
  readonly crashed: boolean | undefined;
}

/** A job gets so long after the last fault has ended. */
const STUCK_AFTER_MS = 180_000;
const LOOK_EVERY_MS = 300;
/** Of a job that is to run out of time. */
const SHORT_WINDOW_SECONDS = 4;

type Ends = readonly JobNumbers['outcome'][];
/** A cancel or a deadline may come too late. */
const ENDS: Readonly<Record<Shape, Ends>> = {
  plain: ['COMPLETED'],
  'two jobs': ['COMPLETED'],
  paused: ['COMPLETED'],
  cancelled: ['CANCELLED', 'COMPLETED'],
  continued: ['CANCELLED', 'COMPLETED'],
  expired: ['EXPIRED', 'COMPLETED'],
};

/** Runs it. Rejects for nothing that Boatload does. */
export async function runSeed(options: HouseOptions): Promise<SeedResult> {
  const began = performance.now();
  const { scenario, dir } = options;
  const findings = new Findings();
  let house: House | undefined;
  try {
    house = await openHouse(options);
    await new Story(house, scenario, findings).tell();
  } catch (cause) {
    findings.say('broken', cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
  } finally {
    await house?.close();
  }
  const members = house?.members ?? [];
  const result: SeedResult = {
    scenario,
    seconds: (performance.now() - began) / 1_000,
    violations: findings.violations,
    figures: findings.figures,
    restarts: members.reduce((sum, { lives }) => sum + lives - 1, 0),
    crashed: scenario.crash && members.some(({ crashes }) => crashes.length > 0),
  };
  await writeFile(join(dir, 'result.json'), JSON.stringify(result, undefined, 2));
  return result;
}

class Findings {
  readonly violations: SeedResult['violations'][number][] = [];
  figures: Figures = NO_FIGURES;

  say(kind: 'stuck' | 'broken', what: string): void {
    this.violations.push({ kind, what });
  }

  async judge(evidence: Evidence): Promise<void> {
    const { violations, figures } = await checkJob(evidence);
    this.violations.push(...violations);
    this.figures = addFigures(this.figures, figures);
  }
}

/** How a job ended, undefined for one that is stuck, and the ids that it has answers for. */
interface Followed {
  readonly outcome: ReturnType<typeof outcomeOf>;
  readonly answered: ReadonlySet<string>;
}

class Story {
  readonly #house: House;
  readonly #scenario: Scenario;
  readonly #findings: Findings;
  readonly #over = new AbortController();

  constructor(house: House, scenario: Scenario, findings: Findings) {
    this.#house = house;
    this.#scenario = scenario;
    this.#findings = findings;
  }

  async tell(): Promise<void> {
    const troubles = this.#makeTrouble();
    try {
      const orders = await this.#placeOrders();
      await this.#actAsUser(orders);
      for (const order of orders) {
        const { shape } = this.#scenario;
        const { outcome, answered } = await this.#follow(order, ENDS[shape]);
        const isLeftOver = shape === 'continued' && outcome === 'CANCELLED';
        if (isLeftOver) await this.#follow(await continueOrder(this.#house.desk, order, answered), ENDS.plain);
      }
    } finally {
      this.#over.abort();
      await troubles;
    }
  }

  #placeOrders(): Promise<readonly Order[]> {
    const { shape, dialect, inParts, rows } = this.#scenario;
    const { desk } = this.#house;
    if (shape !== 'two jobs')
      return Promise.all([
        placeOrder(desk, {
          name: 'a',
          dialect,
          inParts,
          rows,
          ...(shape === 'expired' ? { windowSeconds: SHORT_WINDOW_SECONDS } : {}),
        }),
      ]);
    const half = Math.floor(rows / 2);
    return Promise.all(['a', 'b'].map((name) => placeOrder(desk, { name, dialect, inParts, rows: half })));
  }

  async #actAsUser(orders: readonly Order[]): Promise<void> {
    const { shape, rows } = this.#scenario;
    const { desk, engine } = this.#house;
    const verbs = { paused: ['pause', 'resume'], cancelled: ['cancel'], continued: ['cancel'] }[String(shape)] ?? [];
    if (verbs.length === 0) return;
    // The engine may have answered too few for that, where much goes wrong at once.
    const inTime = new AbortController();
    const patience = delay(20_000, undefined, { signal: inTime.signal }).catch(() => undefined);
    await Promise.race([engine.untilAnswered(Math.floor(rows * 0.3)), patience]);
    inTime.abort();
    for (const order of orders)
      for (const verb of verbs) {
        await desk.ask('POST', `batchInferenceJobs/${order.id}:${verb}`, {}).catch(ignoreTooLate);
        await delay(500);
      }
  }

  /** Waits for a job's end and judges it. */
  async #follow(order: Order, expected: Ends): Promise<Followed> {
    const { desk, engine } = this.#house;
    const { faults } = this.#scenario;
    // A line that breaks takes answers with it, and a try for each.
    const isLossy = faults.some((fault) => fault.kind === 'partition' && fault.from === 'engine');
    const endMs = performance.now() + STUCK_AFTER_MS + faults.length * 16_000;
    for (;;) {
      const job = await readOrder(desk, order);
      const outcome = outcomeOf(job);
      if (outcome !== undefined) {
        const evidence = await collect(desk, order, job);
        await this.#findings.judge({ ...evidence, calls: engine.calls, isLossy, expected });
        return { outcome, answered: new Set(evidence.answers.map((line) => JSON.parse(line).custom_id)) };
      }
      if (performance.now() > endMs || this.#house.members.some(({ isHopeless }) => isHopeless)) {
        this.#findings.say('stuck', `job ${order.id} is ${job['state']}: ${JSON.stringify(job['jobProgress'])}`);
        return { outcome: undefined, answered: new Set() };
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  /** Each fault waits for its moment, and ends after its time or with the story. */
  async #makeTrouble(): Promise<void> {
    const { signal } = this.#over;
    const over = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    await Promise.all(
      this.#scenario.faults.map(async (fault) => {
        await Promise.race([this.#house.engine.untilAnswered(fault.afterRows), over]);
        if (signal.aborted) return;
        const heal = await this.#break(fault);
        if ('ms' in fault) await delay(fault.ms, undefined, { signal }).catch(() => undefined);
        heal();
      }),
    );
  }

  /** Answers how it is mended. */
  async #break(fault: Fault): Promise<() => void> {
    const { members, engine, store, ground } = this.#house;
    switch (fault.kind) {
      case 'kill':
        members[fault.member]?.signal('SIGKILL');
        return () => undefined;
      case 'pause':
        members[fault.member]?.signal('SIGSTOP');
        return () => members[fault.member]?.signal('SIGCONT');
      case 'partition': {
        const line = this.#house.line(fault.member, fault.from);
        line?.[fault.how]();
        return () => line?.heal();
      }
      case 'store':
        if (store !== undefined) store.plan = { seed: this.#scenario.seed, faults: fault.faults };
        return () => {
          if (store !== undefined) store.plan = undefined;
        };
      case 'engine': {
        const { seed, latency } = this.#scenario;
        engine.plan = { seed, latency, faults: fault.faults, faultyAttempts: 2 };
        return () => {
          engine.plan = { seed, latency };
        };
      }
      case 'database restart':
        await ground?.restartDatabase?.();
        return () => undefined;
    }
  }
}

/** A job whose input is still being read, or that has ended, can't be paused; that is the user's bad luck. */
function ignoreTooLate(cause: unknown): void {
  if (!/JOB_VALIDATING|JOB_ENDED/.test(String(cause))) throw cause;
}

const NO_FIGURES: Figures = {
  rows: 0,
  answers: 0,
  failures: 0,
  unfinished: 0,
  calls: 0,
  askedAgain: 0,
  answeredInVain: 0,
  tokensWorked: 0,
  tokensDelivered: 0,
};

const addFigures = (a: Figures, b: Figures): Figures => ({
  rows: a.rows + b.rows,
  answers: a.answers + b.answers,
  failures: a.failures + b.failures,
  unfinished: a.unfinished + b.unfinished,
  calls: a.calls + b.calls,
  askedAgain: a.askedAgain + b.askedAgain,
  answeredInVain: a.answeredInVain + b.answeredInVain,
  tokensWorked: a.tokensWorked + b.tokensWorked,
  tokensDelivered: a.tokensDelivered + b.tokensDelivered,
});
