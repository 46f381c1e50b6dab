/** One model and its engines, as they come and go; its pool lives as long as the process. */
import type { RegisteredModel } from '../actions/model-registry.ts';
import { Problem } from '../base/problem.ts';
import type { Engine, EngineModel } from '../engines/engine.ts';
import { makePool, type Pool, type PoolEngine } from '../engines/pool.ts';
import type { ServedModel } from '../jobs/served-model.ts';
import type { FoundLimits } from './found-limits.ts';

/** A model and the way to one of its engines. */
export interface ShelvedModel extends RegisteredModel {
  /** The path of its weights, where they are a file that this process can reach: addons go on them. */
  readonly weights?: () => Promise<string>;
  /** Opens the engine; called once, again only after it failed. */
  readonly open: () => Promise<OpenedModel>;
}

export interface OpenedModel extends Pick<PoolEngine, 'limit' | 'budget'> {
  readonly engine: Engine;
  readonly model: EngineModel;
}

export interface RoomOptions {
  /** Fixes how many requests an engine gets at once; without it that is found. */
  readonly concurrency?: number | undefined;
  /** How many live requests may wait for a model. */
  readonly liveWaiting?: number | undefined;
  /** What was found before the process began. */
  readonly limits?: FoundLimits | undefined;
}

/** An engine that is in the pool. */
interface Member {
  readonly opened: OpenedModel;
  readonly pooled: PoolEngine;
}

export class ModelRoom {
  readonly pool: Pool;
  readonly #opening = new Map<ShelvedModel, Promise<Member>>();
  readonly #members = new Map<ShelvedModel, Member>();
  /** Why none of them could be opened, the last time. */
  trouble: Problem | undefined;

  constructor({ concurrency, liveWaiting, limits }: RoomOptions) {
    this.pool = makePool([], {
      ...(concurrency === undefined ? {} : { limit: concurrency }),
      ...(liveWaiting === undefined ? {} : { liveWaiting }),
      ...(limits === undefined ? {} : { startOf: (engine, model) => limits.startOf(engine, model) }),
    });
  }

  /** The engines that are open. */
  get engines(): readonly Engine[] {
    return Array.from(this.#members.values(), ({ opened }) => opened.engine);
  }

  /** All of them have let go of the model; not where none has had it yet. */
  get isUnloaded(): boolean {
    return this.engines.length > 0 && this.engines.every(({ isUnloaded }) => isUnloaded === true);
  }

  /** The request paths that all of them answer; undefined while no engine says. */
  get paths(): readonly string[] | undefined {
    const said = this.#opened.flatMap(({ model: { paths } }) => (paths === undefined ? [] : [paths]));
    const [first, ...others] = said;
    return first?.filter((path) => others.every((paths) => paths.includes(path)));
  }

  /** Opens what is not open yet. Resolves with the first that is open: the others follow by themselves. Rejects when none can be opened. */
  async open(models: readonly ShelvedModel[]): Promise<void> {
    try {
      await Promise.any(models.map((model) => this.#open(model)));
      this.trouble = undefined;
    } catch (cause) {
      const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
      this.trouble = first instanceof Problem ? first : undefined;
      throw first;
    }
  }

  /** It gets nothing new. Resolves when it has nothing in flight any more, with its engine where it had one. */
  async leave(model: ShelvedModel): Promise<Engine | undefined> {
    const member = await this.#opening.get(model)?.catch(() => undefined);
    this.#opening.delete(model);
    this.#members.delete(model);
    if (member === undefined) return undefined;
    await this.pool.remove(member.pooled);
    return member.opened.engine;
  }

  /** Resolves when nothing is being opened. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#opening.values());
  }

  /** What a worker must know of the model. */
  toServed(model: RegisteredModel): ServedModel {
    const { pool, paths } = this;
    const lengths = this.#opened.flatMap(({ model: { contextLength } }) => (contextLength === undefined ? [] : [contextLength]));
    const contextLength = lengths.length === 0 ? model.contextLength : Math.min(...lengths);
    return {
      pool,
      ...(contextLength === undefined ? {} : { maxTokensLimit: contextLength }),
      ...(model.defaults === undefined ? {} : { defaults: model.defaults }),
      ...(paths === undefined ? {} : { paths }),
    };
  }

  get #opened(): readonly OpenedModel[] {
    return Array.from(this.#members.values(), ({ opened }) => opened);
  }

  #open(model: ShelvedModel): Promise<Member> {
    const known = this.#opening.get(model);
    if (known !== undefined) return known;
    const opening = this.#join(model);
    this.#opening.set(model, opening);
    opening.catch(() => this.#opening.delete(model));
    return opening;
  }

  async #join(model: ShelvedModel): Promise<Member> {
    const opened = await model.open();
    const { engine, limit, budget } = opened;
    const pooled = {
      engine,
      model: opened.model.id,
      ...(limit === undefined ? {} : { limit }),
      ...(budget === undefined ? {} : { budget }),
    };
    const member = { opened, pooled };
    this.#members.set(model, member);
    this.pool.add(pooled);
    return member;
  }
}
