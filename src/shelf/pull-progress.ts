/** How the fetching of a model goes, as the database knows it: said once a second, and at every change. Saying it holds the model, too. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../actions/context.ts';
import { setPull } from '../db/queries/set-pull.ts';
import { takePull } from '../db/queries/take-pull.ts';
import type { Model, ModelPull } from '../db/schema.ts';

const REPORT_EVERY_MS = 1_000;
/** Whoever says nothing for so long has died. */
const HELD_MS = 60_000;
const HOLD_EVERY_MS = 15_000;

/** What a folder's owner takes models by. It stays with the folder, where what has come so far lies. */
export async function readHolder(dataDir: string): Promise<string> {
  const path = join(dataDir, 'puller');
  const known = await readFile(path, 'utf8').catch(() => '');
  if (known !== '') return known;
  const holder = randomUUID();
  await mkdir(dataDir, { recursive: true });
  await writeFile(path, holder);
  return holder;
}

/** What was taken. */
export interface TakenPull {
  readonly model: Model;
  readonly pull: ModelPull;
  readonly progress: PullProgress;
}

/** Undefined where another process fetches it, or nobody has to any more. */
export async function takeModel(context: Context, uid: string, holder: string): Promise<TakenPull | undefined> {
  const now = context.clock.now();
  const model = await takePull(context.store.db, { uid, holder, now, heldUntil: toEnd(now) });
  if (!model?.pull) return undefined;
  return { model, pull: model.pull, progress: new PullProgress(context, uid, model.pull) };
}

const toEnd = (now: Date): Date => new Date(now.getTime() + HELD_MS);

export class PullProgress {
  /** Nobody wants it any more, or another process has it. */
  isGone = false;
  readonly #context: Context;
  readonly #uid: string;
  readonly #hold: NodeJS.Timeout;
  #pull: ModelPull;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: Context, uid: string, pull: ModelPull) {
    this.#context = context;
    this.#uid = uid;
    // Why it failed before is over.
    this.#pull = { ...pull, message: '' };
    this.#hold = setInterval(() => void this.say({}).catch(() => undefined), HOLD_EVERY_MS).unref();
  }

  /** It is not held any longer than was said. */
  end(): void {
    clearInterval(this.#hold);
  }

  /** False when it is gone. */
  async count(bytes: number, totalBytes: number | null): Promise<boolean> {
    this.#pull = { ...this.#pull, state: 'PULLING', bytes, totalBytes };
    const nowMs = performance.now();
    if (nowMs - this.#saidAtMs < REPORT_EVERY_MS) return !this.isGone;
    this.#saidAtMs = nowMs;
    // A database that is away for a moment stops nothing.
    await this.say({}).catch(() => undefined);
    return !this.isGone;
  }

  /** One after another: what is said last is what stays. */
  say(news: Partial<ModelPull>): Promise<void> {
    this.#pull = { ...this.#pull, ...news, heldUntil: toEnd(this.#context.clock.now()).toISOString() };
    const pull = this.#pull;
    const said = this.#turn.then(async () => {
      this.isGone = !(await setPull(this.#context.store.db, this.#uid, pull));
    });
    this.#turn = said.catch(() => undefined);
    return said;
  }
}
