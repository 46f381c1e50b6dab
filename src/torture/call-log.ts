/** What an engine was asked and what it told, call by call: the witness of whoever judges a job. */
import { createWriteStream, type WriteStream } from 'node:fs';
import type { EngineFault } from './lies.ts';

/** One call, written when it has ended. */
export interface Call {
  /** When it arrived, in milliseconds since 1970. */
  readonly at: number;
  /** When it was answered, or its connection was found closed. */
  readonly endedAt: number;
  readonly path: string;
  readonly key: string;
  /** 1 for the first time that this key is asked. */
  readonly attempt: number;
  readonly fault?: EngineFault;
  /** None where nothing was said. */
  readonly status?: number;
  /** True where all of the answer was handed over to the connection. */
  readonly complete: boolean;
  /** Of the answer's body; none where it was a refusal or nothing. */
  readonly digest?: string;
  /** What the engine truly worked for this call, whatever it said. */
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** In memory, and in a file where one is named. */
export class CallLog {
  readonly calls: Call[] = [];
  readonly #file: WriteStream | undefined;
  readonly #attempts = new Map<string, number>();

  constructor(path: string | undefined) {
    this.#file = path === undefined ? undefined : createWriteStream(path, { flags: 'a' });
  }

  /** The number of this attempt, from 1. */
  begin(key: string): number {
    const attempt = (this.#attempts.get(key) ?? 0) + 1;
    this.#attempts.set(key, attempt);
    return attempt;
  }

  end(call: Call): void {
    this.calls.push(call);
    this.#file?.write(`${JSON.stringify(call)}\n`);
  }

  async close(): Promise<void> {
    const file = this.#file;
    if (file !== undefined) await new Promise<void>((resolve) => file.end(resolve));
  }
}
