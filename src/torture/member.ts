/** A process of Boatload that is started again whenever it ends, as a supervisor would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface MemberOptions {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** It has these until it has died at a crash point. */
  readonly untilCrash: Readonly<Record<string, string>>;
  /** What it says, and how it ends, goes here. */
  readonly log: string;
}

const AGAIN_MS = 200;
/** The line that the program prints with `--json`. */
export interface Ready {
  readonly apiKey: string | null;
}

/** A process that can't stay alive is a finding, not a reason to go on for ever. */
const MOST_LIVES = 60;

export class Member {
  readonly #options: MemberOptions;
  readonly #program: string;
  readonly #log: WriteStream;
  readonly #stopped = new AbortController();
  #child: ChildProcess | undefined;
  #life: Promise<void> = Promise.resolve();
  #said = '';
  /** How often it was started. */
  lives = 0;
  /** Crash points at which it died. */
  readonly crashes: string[] = [];

  constructor(program: string, options: MemberOptions) {
    this.#program = program;
    this.#options = options;
    this.#log = createWriteStream(options.log, { flags: 'a' });
  }

  /** Starts it; resolves with what it says when it is ready for the first time. */
  async start(): Promise<Ready> {
    this.#life = this.#live();
    for (;;) {
      const [ready] = /^\{"url".*$/m.exec(this.#said) ?? [];
      if (ready !== undefined) return JSON.parse(ready);
      if (this.lives > MOST_LIVES) throw new Error(`${this.#options.args[0]} does not stay alive: see ${this.#options.log}`);
      await delay(20);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  get isHopeless(): boolean {
    return this.lives > MOST_LIVES;
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#child?.kill('SIGCONT');
    this.#child?.kill('SIGKILL');
    await this.#life;
    await new Promise<void>((resolve) => this.#log.end(resolve));
  }

  async #live(): Promise<void> {
    while (!this.#stopped.signal.aborted && !this.isHopeless) {
      await this.#liveOnce();
      await delay(AGAIN_MS, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
    }
  }

  async #liveOnce(): Promise<void> {
    const { args, cwd, env, untilCrash } = this.#options;
    const child = spawn(process.execPath, [this.#program, ...args], {
      cwd,
      env: { ...process.env, ...env, ...(this.crashes.length === 0 ? untilCrash : {}) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.lives += 1;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    const [code, signal] = await once(child, 'close');
    this.#log.write(`--- life ${this.lives} ended: ${code ?? signal}\n`);
  }

  #hear(text: string): void {
    this.#log.write(text);
    this.#said = `${this.#said}${text}`.slice(-4_096);
    const [, point] = /^crash point (\S+)$/m.exec(text) ?? [];
    if (point !== undefined) this.crashes.push(point);
  }
}
