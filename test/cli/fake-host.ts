/** A process made of streams in memory and a clock that the test moves. */
import { PassThrough, Writable } from 'node:stream';
import type { Host, Output } from '../../src/cli/host.ts';

export interface FakeOptions {
  readonly args: readonly string[];
  readonly name?: 'boatload' | 'firectl';
  readonly env?: Record<string, string>;
  /** Both stdin and stderr are a terminal of this many columns. */
  readonly columns?: number;
  /** Where `ps` says that the process is. */
  readonly foreground?: boolean;
}

interface Timer {
  readonly everyMs: number;
  readonly callback: () => void;
  nextAtMs: number;
}

/** Text that was written, and streams like those of a process. */
class Sink extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly rows = 40;
  readonly #watchers = new Set<() => void>();

  constructor(columns: number | undefined) {
    super({ decodeStrings: false });
    this.isTTY = columns !== undefined;
    this.columns = columns;
  }

  /** Resolves as soon as it has been written. */
  says(words: string): Promise<void> {
    return new Promise((resolve) => {
      const watch = () => {
        if (!this.text.includes(words)) return;
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
      watch();
    });
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    for (const watch of this.#watchers) watch();
    done();
  }
}

export class FakeHost implements Host {
  readonly name: 'boatload' | 'firectl';
  readonly args: readonly string[];
  readonly env: Record<string, string>;
  readonly cwd = '/home/ann/work';
  readonly stdin: PassThrough & { isTTY: boolean; isRaw: boolean; setRawMode(raw: boolean): void };
  readonly stdout: Output & { readonly text: string } = new Sink(undefined);
  readonly stderr: Sink;
  readonly exits: number[] = [];
  #nowMs = 1_000;
  readonly #timers = new Set<Timer>();
  readonly #listeners = { SIGINT: new Set<() => void>(), SIGTERM: new Set<() => void>() };
  readonly #foreground: boolean;

  constructor({ args, name = 'boatload', env = {}, columns, foreground = true }: FakeOptions) {
    this.name = name;
    this.args = args;
    this.env = env;
    this.stderr = new Sink(columns);
    this.#foreground = foreground;
    const stdin = Object.assign(new PassThrough(), {
      isTTY: columns !== undefined,
      isRaw: false,
      setRawMode: (raw: boolean) => {
        stdin.isRaw = raw;
      },
    });
    this.stdin = stdin;
  }

  now(): number {
    return this.#nowMs;
  }

  date(): Date {
    return new Date(Date.UTC(2026, 0, 5, 2) + this.#nowMs);
  }

  every(everyMs: number, callback: () => void) {
    const timer = { everyMs, callback, nextAtMs: this.#nowMs + everyMs };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  onSignal(signal: 'SIGINT' | 'SIGTERM', listener: () => void) {
    this.#listeners[signal].add(listener);
    return () => this.#listeners[signal].delete(listener);
  }

  isForeground(): Promise<boolean> {
    return Promise.resolve(this.#foreground);
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  /** What the terminal or the system would do. */
  signal(signal: 'SIGINT' | 'SIGTERM'): void {
    for (const listener of this.#listeners[signal]) listener();
  }

  /** Lets time pass, and whatever is due happen. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let due = this.#nextTimer(untilMs); due !== undefined; due = this.#nextTimer(untilMs)) {
      this.#nowMs = due.nextAtMs;
      due.nextAtMs += due.everyMs;
      due.callback();
    }
    this.#nowMs = untilMs;
  }

  /** Nothing may be left behind. */
  get leftovers(): number {
    return this.#timers.size + this.#listeners.SIGINT.size + this.#listeners.SIGTERM.size + this.stdin.listenerCount('data');
  }

  #nextTimer(untilMs: number): Timer | undefined {
    return [...this.#timers].filter((timer) => timer.nextAtMs <= untilMs).toSorted((a, b) => a.nextAtMs - b.nextAtMs)[0];
  }
}
