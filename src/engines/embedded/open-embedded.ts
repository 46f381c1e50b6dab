/** Our own llama.cpp as an engine: a child process behind HTTP, so that a crash in native code costs a connection and not the server. */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../base/log.ts';
import { messageOf } from '../../base/message-of.ts';
import { Problem } from '../../base/problem.ts';
import type { Engine, EngineModel, EngineReply, EngineRequest, EngineSilence, EngineStream } from '../engine.ts';
import { openUpstream } from '../upstream.ts';
import { Quarantine } from './quarantine.ts';
import { type StartedChild, startChild } from './start-child.ts';

/** What whoever runs the machine has set for all models in it. */
export interface Loading {
  /** How long a model may take to load; default two minutes, and a second for every 16 MiB of its file. */
  readonly loadMs?: number | undefined;
  /** Faster, but a greedy row may read otherwise beside others than alone; default no. */
  readonly fusedAttention?: boolean | undefined;
}

export interface EmbeddedEngineOptions extends Loading {
  readonly modelPath: string;
  /** A LoRA adapter that goes on it, as GGUF. */
  readonly adapterPath?: string;
  /** The name under which the model is asked. */
  readonly modelId: string;
  /** Requests at once; default 8 to 16, as the memory allows. */
  readonly slots?: number;
  /** Tokens of prompt and answer together; default what the model was trained for, at most 4,096, as the memory allows. */
  readonly contextSize?: number;
  readonly threads?: number;
  /** Requests that may wait for a slot before more are refused with 429; default 1,024. */
  readonly maxWaiting?: number;
  readonly log?: Log;
}

/** What the child answers. */
const PATHS = ['/v1/chat/completions', '/v1/completions'];
/** A child that dies so often in so short a time, and answers nothing in between, is not started again. */
const MOST_DEATHS = 5;
const DEATHS_WITHIN_MS = 60_000;
const LOSSES: ReadonlySet<EngineSilence['cause']> = new Set(['cut-off', 'connection']);
/** Between the loss of a dead child's connections and the news of its death. */
const DEATH_SHOWS_MS = 2_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Starts the child and resolves when its model answers. Throws a `Problem`: `MODEL_FILE_NOT_FOUND`, `MODEL_FILE_INVALID` (no GGUF, cut off,
 * broken weights), `MODEL_TOO_LARGE` (for the memory), `ENGINE_BINARY_MISSING` (no llama.cpp for this platform), `MODEL_LOAD_TIMEOUT` (it takes longer than it may).
 */
export async function openEmbeddedEngine(options: EmbeddedEngineOptions): Promise<Engine> {
  await checkFile(options.modelPath);
  const engine = new EmbeddedEngine(options);
  await engine.start();
  return engine;
}

interface Life {
  readonly child: StartedChild;
  readonly upstream: Engine;
}

class EmbeddedEngine implements Engine {
  readonly name: string;
  readonly #options: EmbeddedEngineOptions;
  #life: Life | undefined;
  /** Why there is no child, while there is none. */
  #away = 'it is being started';
  #slots: number | undefined;
  #deaths: number[] = [];
  #closed = false;
  #endPause: () => void = () => {};
  #reviving: Promise<void> | undefined;
  readonly #quarantine = new Quarantine();

  constructor(options: EmbeddedEngineOptions) {
    this.#options = options;
    this.name = `llama.cpp ${options.modelId}`;
  }

  get slots(): number | undefined {
    return this.#slots;
  }

  async start(): Promise<void> {
    const { log, maxWaiting = 1_024, loadMs, ...options } = this.#options;
    const child = await startChild({ ...options, maxWaiting }, loadMs);
    const { pid, slots, contextSize, threads } = child;
    log?.info({ engine: this.name, pid, slots, contextSize, threads }, 'engine started');
    this.#slots = slots;
    this.#life = { child, upstream: openUpstream({ baseUrl: child.baseUrl, name: this.name }) };
    void child.gone.then((cause) => this.#onDeath(cause));
  }

  async models(): Promise<readonly EngineModel[]> {
    if (this.#life !== undefined) return (await this.#life.upstream.models()).map((model) => ({ ...model, paths: PATHS }));
    throw new Problem('UNAVAILABLE', `${this.name} can't be asked: ${this.#away}.`, {
      reason: 'ENGINE_UNREACHABLE',
      details: { engine: this.name },
    });
  }

  answer(request: EngineRequest, signal: AbortSignal): Promise<EngineReply> {
    return this.#ask((upstream) => upstream.answer(request, signal));
  }

  stream(request: EngineRequest, signal: AbortSignal): Promise<EngineReply | EngineStream> {
    return this.#ask((upstream) => upstream.stream(request, signal));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#endPause();
    await this.#reviving;
    const life = this.#life;
    this.#life = undefined;
    this.#away = 'it was closed';
    await life?.upstream.close();
    await life?.child.stop();
  }

  /** What was inside when the child died is asked again by itself: only a request that kills it alone is given up. */
  async #ask<Reply extends EngineReply | EngineStream>(
    send: (upstream: Engine) => Promise<Reply>,
  ): Promise<Reply | EngineSilence> {
    const { reply, killer } = await this.#quarantine.together(() => this.#send(send));
    if (killer === undefined) return reply;
    return this.#quarantine.alone(async () => {
      await this.#reviving;
      const again = await this.#send(send);
      return again.killer === undefined ? again.reply : this.#killedBy(again.killer);
    });
  }

  async #send<Reply extends EngineReply | EngineStream>(
    send: (upstream: Engine) => Promise<Reply>,
  ): Promise<{ readonly reply: Reply | EngineSilence; readonly killer?: string }> {
    const life = this.#life;
    if (life === undefined)
      return { reply: { kind: 'silence', cause: 'connection', message: `${this.name} is away: ${this.#away}.` } };
    const reply = await send(life.upstream);
    if (reply.kind !== 'silence') this.#deaths = [];
    if (reply.kind !== 'silence' || !LOSSES.has(reply.cause)) return { reply };
    // The connection may be gone before the process is.
    const killer = await Promise.race([life.child.gone, delay(DEATH_SHOWS_MS, undefined, { ref: false })]);
    return killer === undefined ? { reply } : { reply, killer };
  }

  #killedBy(cause: string): EngineSilence {
    return { kind: 'silence', cause: 'crashed', message: `${this.name} died of this request when it ran alone, by ${cause}.` };
  }

  #onDeath(cause: string): void {
    const life = this.#life;
    this.#life = undefined;
    if (this.#closed) return;
    void life?.upstream.close();
    this.#reviving = this.#revive(cause);
  }

  async #revive(firstCause: string): Promise<void> {
    let cause: string | undefined = firstCause;
    while (cause !== undefined && this.#mayRevive(cause)) {
      await this.#wait(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#deaths.length - 1)));
      if (this.#closed) return;
      cause = await this.start().then(() => undefined, messageOf);
    }
  }

  #mayRevive(cause: string): boolean {
    const now = Date.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < DEATHS_WITHIN_MS), now];
    const { length } = this.#deaths;
    const again = length < MOST_DEATHS;
    this.#away = again
      ? `it died (${cause}) and is being started again`
      : `it died ${length} times within a minute without an answer in between, the last time by ${cause}, and stays down`;
    this.#options.log?.[again ? 'warn' : 'error'](
      { engine: this.name, cause, deaths: length },
      again ? 'engine died' : 'engine stays down',
    );
    return again;
  }

  #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const clock = setTimeout(resolve, ms);
    this.#endPause = () => {
      clearTimeout(clock);
      resolve();
    };
    return promise;
  }
}

const GGUF = 'GGUF';

async function checkFile(path: string): Promise<void> {
  const begin = await readStart(path);
  if (begin === GGUF) return;
  throw new Problem(
    'INVALID_ARGUMENT',
    `${path} is no GGUF model: such a file begins with "GGUF". Convert the model, or name another file.`,
    {
      reason: 'MODEL_FILE_INVALID',
    },
  );
}

async function readStart(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(GGUF.length) });
    return buffer.toString('latin1', 0, bytesRead);
  } catch (cause) {
    throw new Problem(
      'NOT_FOUND',
      `The model file ${basename(path)} can't be read at ${path}. Check the path and its permissions.`,
      {
        reason: 'MODEL_FILE_NOT_FOUND',
        cause,
      },
    );
  }
}
