/** Our own llama.cpp as an engine: a child process behind HTTP, so that a crash in native code costs a connection and not the server. */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Problem } from '../../base/problem.ts';
import type { Engine, EngineModel, EngineReply, EngineRequest, EngineSilence, EngineStream, PromptCount } from '../engine.ts';
import { toCountingPath } from './count-prompt.ts';
import { KeptChild, type KeptChildOptions, type Life } from './kept-child.ts';
import { Quarantine } from './quarantine.ts';

const LOSSES: ReadonlySet<EngineSilence['cause']> = new Set(['cut-off', 'connection']);
/** Between the loss of a dead child's connections and the news of its death. */
const DEATH_SHOWS_MS = 2_000;

/**
 * Starts the child and resolves when its model answers. Throws a `Problem`: `MODEL_FILE_NOT_FOUND`, `MODEL_FILE_INVALID` (no GGUF, cut off,
 * broken weights), `MODEL_TOO_LARGE` (for the memory), `ENGINE_BINARY_MISSING` (no llama.cpp for this platform), `MODEL_LOAD_TIMEOUT` (it takes longer than it may).
 */
export async function openEmbeddedEngine(options: KeptChildOptions): Promise<Engine> {
  await checkFile(options.modelPath);
  const engine = new EmbeddedEngine(options);
  await engine.start();
  return engine;
}

class EmbeddedEngine implements Engine {
  readonly name: string;
  readonly #child: KeptChild;
  readonly #quarantine = new Quarantine();
  #models: readonly EngineModel[] | undefined;

  constructor(options: KeptChildOptions) {
    this.name = `llama.cpp ${options.modelId}`;
    this.#child = new KeptChild(this.name, options);
  }

  get slots(): number | undefined {
    return this.#child.slots;
  }

  get isUnloaded(): boolean {
    return this.#child.isUnloaded;
  }

  start(): Promise<void> {
    return this.#child.start();
  }

  async models(): Promise<readonly EngineModel[]> {
    // What it serves is no reason to load it again.
    if (this.#child.isUnloaded && this.#models !== undefined) return this.#models;
    const life = await this.#child.enter(new AbortController().signal);
    if (life === undefined) throw unreachable(this.name, this.#child.away);
    try {
      this.#models = (await life.upstream.models()).map((model) => ({ ...model, paths: this.#child.paths }));
      return this.#models;
    } finally {
      this.#child.exit();
    }
  }

  answer(request: EngineRequest, signal: AbortSignal): Promise<EngineReply> {
    return this.#ask((upstream) => upstream.answer(request, signal), signal);
  }

  stream(request: EngineRequest, signal: AbortSignal): Promise<EngineReply | EngineStream> {
    return this.#ask((upstream) => upstream.stream(request, signal), signal);
  }

  async countPrompt(request: EngineRequest, signal: AbortSignal): Promise<PromptCount | undefined> {
    const life = await this.#child.enter(signal);
    if (life === undefined) return undefined;
    try {
      const reply = await life.upstream.answer({ ...request, path: toCountingPath(request.path) }, signal);
      // Our own child says it.
      return reply.kind === 'answer' && reply.status === 200 ? (JSON.parse(reply.body.toString()) as PromptCount) : undefined;
    } finally {
      this.#child.exit();
    }
  }

  close(): Promise<void> {
    return this.#child.close();
  }

  /** What was inside when the child died is asked again by itself: only a request that kills it alone is given up. */
  async #ask<Reply extends EngineReply | EngineStream>(
    send: (upstream: Engine) => Promise<Reply>,
    signal: AbortSignal,
  ): Promise<Reply | EngineSilence> {
    const { reply, killer } = await this.#quarantine.together(() => this.#send(send, signal));
    if (killer === undefined) return reply;
    return this.#quarantine.alone(async () => {
      await this.#child.revived;
      const again = await this.#send(send, signal);
      return again.killer === undefined ? again.reply : this.#killedBy(again.killer);
    });
  }

  async #send<Reply extends EngineReply | EngineStream>(
    send: (upstream: Engine) => Promise<Reply>,
    signal: AbortSignal,
  ): Promise<{ readonly reply: Reply | EngineSilence; readonly killer?: string }> {
    const life = await this.#child.enter(signal);
    if (life === undefined) return { reply: this.#silence(signal) };
    const reply = await send(life.upstream);
    if (reply.kind !== 'silence') this.#child.answered();
    const killer = reply.kind === 'silence' && LOSSES.has(reply.cause) ? await diedOf(life) : undefined;
    if (reply.kind === 'stream') void reply.ended.then(() => this.#child.exit());
    else this.#child.exit();
    return killer === undefined ? { reply } : { reply, killer };
  }

  #silence(signal: AbortSignal): EngineSilence {
    if (signal.aborted) return { kind: 'silence', cause: 'aborted', message: 'The request was given up.' };
    return { kind: 'silence', cause: 'connection', message: this.#child.away };
  }

  #killedBy(cause: string): EngineSilence {
    return { kind: 'silence', cause: 'crashed', message: `${this.name} died of this request when it ran alone, by ${cause}.` };
  }
}

/** The connection may be gone before the process is. */
const diedOf = ({ child }: Life): Promise<string | undefined> =>
  Promise.race([child.gone, delay(DEATH_SHOWS_MS, undefined, { ref: false })]);

const unreachable = (engine: string, away: string): Problem =>
  new Problem('UNAVAILABLE', `It can't be asked: ${away}`, { reason: 'ENGINE_UNREACHABLE', details: { engine } });

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
