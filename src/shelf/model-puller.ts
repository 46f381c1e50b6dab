/** Fetches the files of models in the background, one model after another, and has them checked when they are here. */
import { createReadStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../actions/context.ts';
import type { Puller } from '../actions/pull-model.ts';
import { measureRoom } from '../actions/quotas.ts';
import { keepModelFile } from '../actions/receive-model-file.ts';
import { validateModelUpload } from '../actions/validate-model-upload.ts';
import type { Log } from '../base/log.ts';
import { Problem } from '../base/problem.ts';
import { announceModelFiles } from '../db/queries/announce-model-files.ts';
import { listModelFiles } from '../db/queries/list-model-files.ts';
import { listPulls } from '../db/queries/list-pulls.ts';
import { lockModel } from '../db/queries/lock-model.ts';
import { setPull } from '../db/queries/set-pull.ts';
import type { Model, ModelPull, PulledFile } from '../db/schema.ts';
import { download } from './model-download.ts';
import { openWayOut, type WayOut, type WayOutOptions } from './model-way-out.ts';

export interface ModelPullerOptions extends WayOutOptions {
  readonly context: Context;
  /** On local disk: what has come so far lies below it. */
  readonly dataDir: string;
  readonly log: Pick<Log, 'warn'>;
}

const REPORT_EVERY_MS = 1_000;

export class ModelPuller implements Puller {
  readonly hubUrl: string;
  readonly #options: ModelPullerOptions;
  readonly #wayOut: WayOut;
  readonly #ended = new AbortController();
  readonly #waiting = new Set<string>();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: ModelPullerOptions) {
    this.#options = options;
    this.hubUrl = options.hubUrl;
    this.#wayOut = openWayOut(options);
  }

  start(model: Model): void {
    if (this.#waiting.has(model.uid)) return;
    this.#waiting.add(model.uid);
    this.#turn = this.#turn.then(() => this.#pull(model)).finally(() => this.#waiting.delete(model.uid));
  }

  /** Goes on with what this process had begun before it ended. */
  async resume(): Promise<void> {
    const ours = await this.#sweep();
    for (const model of ours) if (model.pull?.state !== 'FAILED') this.start(model);
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#turn;
    await this.#wayOut.close();
  }

  async #pull(model: Model): Promise<void> {
    if (this.#ended.signal.aborted || model.pull === null) return;
    const progress = new Progress(this.#options.context, model.uid, model.pull);
    try {
      await this.#sweep();
      for (const file of model.pull.files) await this.#fetch(model, file, progress);
      await progress.say({ state: 'CHECKING' });
      const wish = { id: model.id, skipConfigs: false, configOnly: false };
      await validateModelUpload(this.#options.context, { accountId: model.accountId, name: model.createdBy }, wish);
      await progress.say({ state: 'DONE' });
      await rm(this.#folderOf(model), { recursive: true, force: true });
    } catch (cause) {
      // One that was told to stop goes on at the next start.
      if (this.#ended.signal.aborted) return;
      this.#options.log.warn({ model: model.id, cause }, 'a model was not fetched');
      await progress.say(toFailure(cause)).catch(() => undefined);
    } finally {
      if (progress.isGone) await rm(this.#folderOf(model), { recursive: true, force: true });
    }
  }

  async #fetch(model: Model, file: PulledFile, progress: Progress): Promise<void> {
    const { context } = this.#options;
    const before = (await listModelFiles(context.store.db, model)).find(({ name }) => name === file.name);
    if (before?.objectKey && model.pull?.state !== 'FAILED') return;
    const path = join(this.#folderOf(model), file.name);
    const { left } = await measureRoom(context, context.store.db, { accountId: model.accountId, id: 'model-bytes' });
    const stop = new AbortController();
    await download(this.#wayOut, {
      ...{ url: file.url, sha256: file.sha256, path, copies: context.objects.pathOf === undefined ? 0 : 1 },
      // What came before makes room for it.
      mostBytes: left + (before?.bytes ?? 0),
      signal: AbortSignal.any([this.#ended.signal, stop.signal]),
      onProgress: (bytes, totalBytes) => void progress.count(bytes, totalBytes).then((goesOn) => goesOn || stop.abort()),
    });
    await this.#keep(model, file, path);
  }

  async #keep(model: Model, { name }: PulledFile, path: string): Promise<void> {
    const { context } = this.#options;
    const { size: bytes } = await stat(path);
    await context.store.db.transaction().execute(async (tx) => {
      if ((await lockModel(tx, model))?.uid === model.uid)
        await announceModelFiles(tx, model, { sizes: { [name]: bytes }, at: context.clock.now() });
    });
    const target = { accountId: model.accountId, id: model.id, file: name, bytes };
    await keepModelFile(context, { model, target, body: createReadStream(path) });
  }

  /** Throws away what came of models that nobody waits for any more; answers those of which something is here. */
  async #sweep(): Promise<readonly Model[]> {
    const { context, dataDir } = this.#options;
    const uids: readonly string[] = await readdir(join(dataDir, 'pulls')).catch(() => []);
    const awaited = await listPulls(context.store.db);
    const gone = uids.filter((uid) => awaited.every((model) => model.uid !== uid));
    await Promise.all(gone.map((uid) => rm(this.#folderOf({ uid }), { recursive: true, force: true })));
    return awaited.filter(({ uid }) => uids.includes(uid));
  }

  #folderOf({ uid }: Pick<Model, 'uid'>): string {
    return join(this.#options.dataDir, 'pulls', uid);
  }
}

/** What is no refusal of ours is nothing that a caller should read. */
const toFailure = (cause: unknown): Partial<ModelPull> =>
  cause instanceof Problem
    ? { state: 'FAILED', message: cause.message, failure: { code: cause.code, reason: cause.reason } }
    : {
        ...{ state: 'FAILED', message: 'Something went wrong inside this server: its log says what. Ask again.' },
        failure: { code: 'INTERNAL', reason: 'PULL_FAILED' },
      };

/** How it goes, as the database knows it: said once a second, and at every change. */
class Progress {
  isGone = false;
  readonly #context: Context;
  readonly #uid: string;
  #pull: ModelPull;
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: Context, uid: string, pull: ModelPull) {
    this.#context = context;
    this.#uid = uid;
    // Why it failed before is over.
    this.#pull = { ...pull, message: '', failure: undefined };
  }

  /** False when nobody wants it any more: the model was deleted. */
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
    const pull = { ...this.#pull, ...news };
    this.#pull = pull;
    const said = this.#turn.then(async () => {
      this.isGone = !(await setPull(this.#context.store.db, this.#uid, pull));
    });
    this.#turn = said.catch(() => undefined);
    return said;
  }
}
