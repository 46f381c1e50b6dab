/** The program as people start it: a process of its own with pipes, signals and an exit code. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const BOATLOAD = fileURLToPath(new URL('../../bin/boatload.js', import.meta.url));

export interface ProgramOptions {
  /** The folder that it is started in. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads from stdin; default nothing. */
  readonly stdin?: string;
  /** Its stdin does not end. */
  readonly stdinStaysOpen?: true;
}

/** How a process ended; one of `code` and `signal` is null. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves as soon as it has said this on stdout or stderr; rejects when it ends without, or keeps silent for minutes. */
  says(words: RegExp): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
  /** SIGKILL for it and for all processes that it has started. */
  killAll(): Promise<Ended>;
}

/** Runs `boatload` to its end. */
export const boatload = (args: readonly string[], options: ProgramOptions): Promise<Ended> => startBoatload(args, options).ended;

/** Starts `boatload`; to be called inside a test, which does not leave it running. */
export const startBoatload = (args: readonly string[], options: ProgramOptions): Program =>
  startNode([BOATLOAD, ...args], options);

/** Starts a script the same way. */
export const startNode = (args: readonly string[], { env, ...options }: ProgramOptions): Program =>
  startProcess([process.execPath, ...args], { ...options, env: { ...process.env, NO_COLOR: '1', ...env } });

/** A command with an environment of its own, by another user where that is wished. */
interface ProcessOptions extends Omit<ProgramOptions, 'env'> {
  readonly env: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
}

/** Starts any program the same way. */
export function startProcess(
  [command = '', ...args]: readonly string[],
  { stdin = '', stdinStaysOpen, ...options }: ProcessOptions,
): Program {
  // A group of its own, so that a kill reaches its children too and nobody else.
  const child = spawn(command, args, { ...options, detached: true });
  // A program that refuses its input at once does not read it.
  child.stdin.on('error', () => undefined).write(stdin);
  if (stdinStaysOpen !== true) child.stdin.end();
  const program = new ChildProgram(child);
  onTestFinished(async () => void (await program.killAll()));
  return program;
}

/** Longer than anything that a test waits for takes on a busy machine. */
const SAYS_WITHIN_MS = 180_000;

class ChildProgram implements Program {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #said = { stdout: '', stderr: '' };
  readonly #listeners = new Set<() => void>();
  #isOver = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream]?.setEncoding('utf8').on('data', (text: string) => {
        this.#said[stream] += text;
        for (const listen of this.#listeners) listen();
      });
    }
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject).once('close', (code, signal) => {
        this.#isOver = true;
        for (const listen of this.#listeners) listen();
        resolve({ code, signal, ...this.#said });
      });
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('The process did not start.');
    return this.#child.pid;
  }

  says(words: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const giveUp = (how: string) => reject(new Error(`It ${how} ${words}:\n${this.#said.stdout}${this.#said.stderr}`));
    const listen = () => {
      const found = words.exec(this.#said.stdout) ?? words.exec(this.#said.stderr);
      if (found !== null) resolve(found);
      else if (this.#isOver) giveUp('ended without saying');
    };
    const patience = setTimeout(() => giveUp('has not said'), SAYS_WITHIN_MS);
    this.#listeners.add(listen);
    listen();
    return promise.finally(() => {
      clearTimeout(patience);
      this.#listeners.delete(listen);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  killAll(): Promise<Ended> {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // The whole group is gone already.
    }
    return this.ended;
  }
}
