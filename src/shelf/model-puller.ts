/** Fetches the files of models in the background, one model after another, and has them checked when they are here. */
import { createReadStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../actions/context.ts';
import { isUnderWay } from '../actions/pull-again.ts';
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
import type { Model, ModelPull, PulledFile } from '../db/schema.ts';
import { keepLooking } from './keep-looking.ts';
import { download } from './model-download.ts';
import { openWayOut, type WayOut, type WayOutOptions } from './model-way-out.ts';
import { type PullProgress, readHolder, type TakenPull, takeModel } from './pull-progress.ts';

export interface ModelPullerOptions extends WayOutOptions {
  readonly context: Context;
  /** On local disk: what has come so far lies below it. */
  readonly dataDir: string;
  readonly log: Pick<Log, 'warn'>;
}

/** How soon what a process that died has left is taken over, once it is held by nobody. */
const LOOK_EVERY_MS = 20_000;

export class ModelPuller implements Puller {
  readonly hubUrl: string;
  readonly #options: ModelPullerOptions;
  readonly #wayOut: WayOut;
  readonly #ended = new AbortController();
  readonly #waiting = new Set<string>();
  #turn: Promise<void> = Promise.resolve();
  #rounds: Promise<void> = Promise.resolve();

  constructor(options: ModelPullerOptions) {
    this.#options = options;
    this.hubUrl = options.hubUrl;
    this.#wayOut = openWayOut(options);
  }

  start(model: Model): void {
    if (this.#waiting.has(model.uid)) return;
    this.#waiting.add(model.uid);
    this.#turn = this.#turn
      .then(() => {
        // Asked for again from here on, it takes another turn: what this one ends as may be told already.
        this.#waiting.delete(model.uid);
        return this.#pull(model);
      })
      .catch((cause: unknown) => this.#options.log.warn({ model: model.id, cause }, 'a model was not fetched'));
  }

  /** Goes on with what this process had begun before it ended, and from here on with what others leave. */
  async resume(): Promise<void> {
    const ours = await this.#sweep();
    for (const model of ours) if (isUnderWay(model)) this.start(model);
    this.#rounds = keepLooking(() => this.#takeOver(), {
      everyMs: LOOK_EVERY_MS,
      signal: this.#ended.signal,
      onTrouble: (cause) => this.#options.log.warn({ cause }, 'cannot look after the models to be fetched, trying again'),
    });
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#rounds;
    await this.#turn;
    await this.#wayOut.close();
  }

  async #takeOver(): Promise<void> {
    const { store, clock } = this.#options.context;
    for (const model of await listPulls(store.db)) if (isUnderWay(model) && !isHeld(model, clock.now())) this.start(model);
  }

  async #pull({ uid }: Model): Promise<void> {
    if (this.#ended.signal.aborted) return;
    const { context, dataDir } = this.#options;
    const taken = await takeModel(context, uid, await readHolder(dataDir));
    // Another process fetches it: how that goes is read from the database.
    if (taken !== undefined) await this.#bring(taken).finally(() => taken.progress.end());
  }

  async #bring({ model, pull, progress }: TakenPull): Promise<void> {
    try {
      await this.#sweep();
      for (const file of pull.files) await this.#fetch(model, file, progress);
      await progress.say({ state: 'CHECKING' });
      const wish = { id: model.id, skipConfigs: false, configOnly: false };
      await validateModelUpload(this.#options.context, { accountId: model.accountId, name: model.createdBy }, wish);
      await progress.say({ state: 'DONE', failure: undefined });
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

  async #fetch(model: Model, file: PulledFile, progress: PullProgress): Promise<void> {
    const { context } = this.#options;
    const before = (await listModelFiles(context.store.db, model)).find(({ name }) => name === file.name);
    if (before?.objectKey && (before.precision !== null || !wasBad(model))) return;
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

/** The files came, and were none: they have to come again. */
const wasBad = ({ pull }: Model): boolean => pull?.failure?.reason === 'MODEL_FILE_INVALID';

const isHeld = ({ pull }: Model, now: Date): boolean => pull?.heldUntil !== undefined && new Date(pull.heldUntil) > now;

/** What is no refusal of ours is nothing that a caller should read. */
const toFailure = (cause: unknown): Partial<ModelPull> =>
  cause instanceof Problem
    ? { state: 'FAILED', message: cause.message, failure: { code: cause.code, reason: cause.reason } }
    : {
        ...{ state: 'FAILED', message: 'Something went wrong inside this server: its log says what. Ask again.' },
        failure: { code: 'INTERNAL', reason: 'PULL_FAILED' },
      };
