/** The process as the command line sees it: everything that a test has to replace, and nothing else. */
import { basename } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** Where text goes: a terminal when `isTTY`. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number | undefined; readonly rows?: number };

/** Where a person or a pipe writes. */
type Input = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };

/** Undoes what the call that returned it did. */
export type Undo = () => void;

export interface Host {
  /** What the program was called as: `firectl` is the same program under the name that scripts know. */
  readonly name: 'boatload' | 'firectl';
  /** What follows the program's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Milliseconds that never go back, from any origin. */
  now(): number;
  /** The calendar's time. */
  date(): Date;
  /** Calls again and again; never keeps the process alive. */
  every(intervalMs: number, callback: () => void): Undo;
  onSignal(signal: 'SIGINT' | 'SIGTERM', listener: () => void): Undo;
  /** True when keys pressed at the terminal are meant for this process: reading them from the background would suspend it. */
  isForeground(): Promise<boolean>;
  /** Ends the process here and now. */
  exit(code: number): void;
}

/** The real thing. A closed pipe behind stdout or stderr is no reason to fall over: whoever writes data learns it from the write itself. */
export function makeHost(process: NodeJS.Process): Host {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  return {
    name: /^firectl\b/.test(basename(process.argv[1] ?? '')) ? 'firectl' : 'boatload',
    args: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    // A getter: naming stdin opens it, and most commands don't read.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    now: () => performance.now(),
    date: () => new Date(),
    every: (intervalMs, callback) => {
      const timer = setInterval(callback, intervalMs).unref();
      return () => clearInterval(timer);
    },
    onSignal: (signal, listener) => {
      process.on(signal, listener);
      return () => process.off(signal, listener);
    },
    isForeground: () => isForeground(process),
    exit: (code) => process.exit(code),
  };
}

/** POSIX `ps` marks the terminal's foreground processes with `+`. Windows has no such thing; where `ps` is missing we don't dare. */
async function isForeground(process: NodeJS.Process): Promise<boolean> {
  if (process.platform === 'win32') return true;
  const { execFile } = await import('node:child_process');
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'stat=', '-p', String(process.pid)], (error, stdout) =>
      resolve(error === null && stdout.includes('+')),
    );
  });
}
