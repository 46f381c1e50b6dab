/** The models of this process: what callers may name, and the engines behind each. Those of the flags are opened when the first row needs them. */
import type { ModelRegistry, RegisteredModel } from '../actions/model-registry.ts';
import { makeModelRegistry } from '../actions/model-registry.ts';
import type { Verdict } from '../engines/classify-failure.ts';
import type { Engine } from '../engines/engine.ts';
import type { Pool, PoolEngine, PoolStatus } from '../engines/pool.ts';
import { readLane } from '../jobs/model-lane.ts';
import type { PlannedModel } from '../jobs/row-models.ts';
import type { ServedModel } from '../jobs/served-model.ts';
import { ModelRoom, type RoomOptions, type ShelvedModel } from './model-room.ts';

export type { OpenedModel, ShelvedModel } from './model-room.ts';

/** One engine of one model. */
export interface ShelfStatus extends PoolStatus {
  /** Full name of the model. */
  readonly name: string;
}

export interface ModelShelf {
  readonly registry: ModelRegistry;
  /** A model by full name or bare id, with what its engines answer once they are open. */
  find(name: string, accountId: string): PlannedModel | undefined;
  /** The engines behind a model, opened by now; undefined when there is no such model. Rejects when none of its engines can be opened. */
  serve(name: string): Promise<ServedModel | undefined>;
  /** The engines that are open, how they are and why. */
  status(): readonly ShelfStatus[];
  /**
   * Replaces the models of engines that come and go; they are opened at once. Resolves when those that are gone have nothing in flight any more:
   * from then on their engines are no longer used, and are whoever's who opened them.
   */
  share(models: readonly ShelvedModel[]): Promise<void>;
  /**
   * Replaces the models that files make; each is opened when a row needs it. Resolves when the engines of those that are gone have finished and are
   * closed.
   */
  stock(models: readonly ShelvedModel[]): Promise<void>;
  /** The path of a model's weights, by its full name; undefined where no file is behind it. */
  weightsOf(name: string): Promise<string | undefined>;
  /** True when no request has told anything of the engine for so long. */
  isSilent(engine: Engine, forMs: number): boolean;
  /** What a question about its health said. */
  heard(engine: Engine, verdict: Verdict): void;
  close(): Promise<void>;
}

/** Opens nothing yet. */
export const makeModelShelf = (models: readonly ShelvedModel[], options: RoomOptions = {}): ModelShelf =>
  new Shelf(models, options);

class Shelf implements ModelShelf {
  readonly registry = makeModelRegistry(() => this.#registered.map((model) => this.#asItIs(model)));
  readonly #own: readonly ShelvedModel[];
  readonly #options: RoomOptions;
  readonly #rooms = new Map<string, ModelRoom>();
  #shared: readonly ShelvedModel[] = [];
  #stocked: readonly ShelvedModel[] = [];
  #registered: readonly RegisteredModel[];
  readonly #endWatch: (() => void) | undefined;

  constructor(own: readonly ShelvedModel[], options: RoomOptions) {
    this.#own = own;
    this.#options = options;
    this.#registered = mergeByName(own);
    this.#endWatch = options.limits?.watch(() => this.status());
  }

  find(name: string, accountId: string): PlannedModel | undefined {
    const model = this.registry.resolve(name, accountId);
    return model && { ...model, paths: this.#rooms.get(model.name)?.paths };
  }

  async serve(lane: string): Promise<ServedModel | undefined> {
    const { model: name, precision: asked } = readLane(lane);
    const model = this.#registered.find((registered) => registered.name === name);
    if (model?.served !== true) return undefined;
    const precision = asked ?? model.precision;
    const engines = this.#all.filter((shelved) => shelved.name === name && shelved.served && shelved.precision === precision);
    if (engines.length === 0) return undefined;
    const room = this.#roomOf(precision === model.precision ? name : lane);
    await room.open(engines);
    return room.toServed(model);
  }

  status(): readonly ShelfStatus[] {
    return [...this.#rooms].flatMap(([name, { pool }]) => pool.status().map((status) => ({ ...status, name })));
  }

  async share(models: readonly ShelvedModel[]): Promise<void> {
    const gone = this.#shared.filter((model) => !models.includes(model));
    this.#shared = models;
    this.#registered = mergeByName(this.#all);
    for (const model of models) {
      // One that can't be opened now is opened when a row needs it.
      if (model.served)
        void this.#roomOf(model.name)
          .open([model])
          .catch(() => undefined);
    }
    await Promise.all(gone.map((model) => this.#rooms.get(model.name)?.leave(model)));
  }

  async stock(models: readonly ShelvedModel[]): Promise<void> {
    const gone = this.#stocked.filter((model) => !models.includes(model));
    this.#stocked = models;
    this.#registered = mergeByName(this.#all);
    const rooms = [...this.#rooms.values()];
    const left = await Promise.all(gone.flatMap((model) => rooms.map((room) => room.leave(model))));
    await Promise.all(left.map((engine) => engine?.close()));
  }

  async weightsOf(name: string): Promise<string | undefined> {
    const model = this.#registered.find((registered) => registered.name === name);
    return this.#all.find((shelved) => shelved.name === name && shelved.precision === model?.precision)?.weights?.();
  }

  isSilent(engine: Engine, forMs: number): boolean {
    return this.#placesOf(engine).every(({ pool, of }) => pool.isSilent(of, forMs));
  }

  heard(engine: Engine, verdict: Verdict): void {
    for (const { pool, of } of this.#placesOf(engine)) pool.heard(of, verdict);
  }

  async close(): Promise<void> {
    this.#endWatch?.();
    await Promise.all([...this.#rooms.values()].map((room) => room.settled()));
    // Their timers would keep the process alive.
    for (const { pool } of this.#rooms.values()) pool.close();
    const engines = new Set([...this.#rooms.values()].flatMap((room) => room.engines));
    await Promise.all([...engines].map((engine) => engine.close()));
  }

  get #all(): readonly ShelvedModel[] {
    return [...this.#own, ...this.#shared, ...this.#stocked];
  }

  #asItIs(model: RegisteredModel): RegisteredModel {
    const { trouble, isUnloaded } = this.#rooms.get(model.name) ?? {};
    return { ...model, ...(trouble && { trouble }), ...(isUnloaded && { isUnloaded }) };
  }

  #roomOf(name: string): ModelRoom {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const room = new ModelRoom(this.#options);
    this.#rooms.set(name, room);
    return room;
  }

  #placesOf(engine: Engine): readonly { readonly pool: Pool; readonly of: PoolEngine }[] {
    return [...this.#rooms.values()].flatMap(({ pool }) =>
      pool.status().flatMap(({ of }) => (of.engine === engine ? [{ pool, of }] : [])),
    );
  }
}

/** Several engines of one model make one model, which takes what the smallest of them takes, in the precision of the first where nobody chooses. */
function mergeByName(models: readonly ShelvedModel[]): readonly RegisteredModel[] {
  return [...Map.groupBy(models, ({ name }) => name).values()].flatMap((same) => {
    const [first, ...others] = same.filter(({ served }) => served).concat(same.filter(({ served }) => !served));
    if (first === undefined || others.length === 0) return first ?? [];
    const lengths = same.flatMap(({ served, contextLength }) => (served && contextLength !== undefined ? [contextLength] : []));
    const precisions = [...new Set(same.map(({ precision }) => precision))].filter((known) => known !== 'PRECISION_UNSPECIFIED');
    return {
      ...first,
      ...(lengths.length > 0 && { contextLength: Math.min(...lengths) }),
      ...(precisions.length > 1 && { precisions }),
    };
  });
}
