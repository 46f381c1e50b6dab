/** The models that are files in the store: each can be served by our own engine, and is opened when a row needs it. */
import { readModelDetails } from '../actions/model-details.ts';
import type { Log } from '../base/log.ts';
import { PRECISIONS } from '../contract/job.ts';
import { makeName } from '../contract/names.ts';
import type { ModelFiles } from '../db/model-files.ts';
import type { RunnableFile } from '../db/queries/list-runnable-files.ts';
import type { Loading } from '../engines/embedded/loading.ts';
import { findWeights } from './find-weights.ts';
import { keepLooking } from './keep-looking.ts';
import type { ModelCache } from './model-cache.ts';
import type { OpenedModel, ShelvedModel } from './model-room.ts';
import type { ModelShelf } from './model-shelf.ts';

export interface ModelLibraryOptions extends Loading {
  readonly files: ModelFiles;
  readonly shelf: ModelShelf;
  readonly cache: ModelCache;
  readonly log: Log;
}

/** How soon a change that another process made is seen. */
const LOOK_EVERY_MS = 5_000;

export class ModelLibrary {
  readonly #options: ModelLibraryOptions;
  readonly #ended = new AbortController();
  #rounds: Promise<void> = Promise.resolve();
  /** By what they are made from: what stays the same stays open. */
  #models: ReadonlyMap<string, ShelvedModel> = new Map();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: ModelLibraryOptions) {
    this.#options = options;
  }

  /** Looks at what there is, and from here on at what changes. Alone on its database, a process is told. */
  async start(): Promise<void> {
    await this.refresh();
    const { files, log } = this.#options;
    if (files.isAlone) return;
    this.#rounds = keepLooking(() => this.refresh(), {
      everyMs: LOOK_EVERY_MS,
      signal: this.#ended.signal,
      onTrouble: (cause) => log.warn({ cause }, 'cannot look after the models, trying again'),
    });
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#rounds;
    await this.#turn;
  }

  /** One look at a time; who asks during one gets the next. */
  refresh(): Promise<void> {
    const look = this.#turn.then(() => this.#read());
    this.#turn = look.catch(() => undefined);
    return look;
  }

  /** The path of the weights behind a name, as an account means it. */
  async weightsOf(name: string, accountId: string): Promise<string | undefined> {
    const model = this.#options.shelf.registry.resolve(name, accountId);
    return model && this.#options.shelf.weightsOf(model.name);
  }

  async #read(): Promise<void> {
    const { shelf, cache, log } = this.#options;
    const files = await this.#options.files.list();
    const before = this.#models;
    this.#models = new Map(files.map((file) => [toKey(file), before.get(toKey(file)) ?? this.#toShelved(file)]));
    const isSame = this.#models.size === before.size && [...this.#models.keys()].every((key) => before.has(key));
    if (isSame) return;
    void shelf
      .stock([...this.#models.values()])
      .then(() => cache.keepOnly(files))
      .catch((cause: unknown) => log.warn({ cause }, 'a model was not closed'));
  }

  #toShelved(file: RunnableFile): ShelvedModel {
    const { contextLength, peftDetails } = readModelDetails(file.details);
    return {
      name: makeName(file.accountId, 'models', file.id),
      served: true,
      public: file.public,
      precision: PRECISIONS.find((known) => known === file.precision) ?? 'PRECISION_UNSPECIFIED',
      ...(contextLength !== undefined && { contextLength }),
      ...(peftDetails === undefined && { weights: () => this.#options.cache.pathOf(file) }),
      open: () => this.#open(file, peftDetails?.baseModel),
    };
  }

  async #open(file: RunnableFile, baseModel: string | undefined): Promise<OpenedModel> {
    const { cache, log, loadMs, fusedAttention, unloadIdleMs, memoryBytes } = this.#options;
    const places = { cache, weightsOf: this.weightsOf.bind(this) };
    const weights = await findWeights(places, { file, baseModel, accountId: file.accountId });
    const { openEmbeddedEngine } = await import('../engines/embedded/open-embedded.ts');
    const loading = { loadMs, fusedAttention, unloadIdleMs, memoryBytes };
    const engine = await openEmbeddedEngine({ ...weights, modelId: file.id, log, ...loading });
    const [model = { id: file.id }] = await engine.models();
    return { engine, model };
  }
}

const toKey = ({ uid, name, public: isPublic, details }: RunnableFile): string =>
  JSON.stringify([uid, name, isPublic, details['contextLength'], details['peftDetails']]);
