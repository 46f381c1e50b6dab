/** The models of this process: what callers may name, and the engines behind each, opened when the first row needs them. */
import type { ModelRegistry, RegisteredModel } from './actions/model-registry.ts';
import { makeModelRegistry } from './actions/model-registry.ts';
import type { Engine, EngineModel } from './engines/engine.ts';
import { makePool, type Pool, type PoolStatus } from './engines/pool.ts';
import type { PlannedModel } from './jobs/row-models.ts';
import type { ServedModel } from './jobs/served-model.ts';

/** A model and the way to its engine. */
export interface ShelvedModel extends RegisteredModel {
  /** Opens the engine; called once, again only after it failed. */
  readonly open: () => Promise<OpenedModel>;
}

export interface OpenedModel {
  readonly engine: Engine;
  readonly model: EngineModel;
}

export interface ModelShelf {
  readonly registry: ModelRegistry;
  /** A model by full name or bare id, with what its engines answer once they are open. */
  find(name: string, accountId: string): PlannedModel | undefined;
  /** The engines behind a model, opened by now; undefined when there is no such model. Rejects when its engine can't be opened. */
  serve(name: string): Promise<ServedModel | undefined>;
  /** The engines that are open, how they are and why. */
  status(): readonly PoolStatus[];
  close(): Promise<void>;
}

/** `concurrency` fixes how many requests an engine gets at once; without it that is found. */
export function makeModelShelf(
  models: readonly ShelvedModel[],
  { concurrency }: { readonly concurrency?: number } = {},
): ModelShelf {
  const served = new Map<string, Promise<ServedModel>>();
  const engines = new Set<Engine>();
  const pools = new Set<Pool>();
  const registry = makeModelRegistry(() => models);
  const pathsOf = new Map<string, readonly string[] | undefined>();

  const open = async (model: ShelvedModel): Promise<ServedModel> => {
    const opened = await model.open();
    engines.add(opened.engine);
    const pool = makePool(
      [{ engine: opened.engine, model: opened.model.id }],
      concurrency === undefined ? {} : { limit: concurrency },
    );
    pools.add(pool);
    const { contextLength = model.contextLength, paths } = opened.model;
    pathsOf.set(model.name, paths);
    return {
      pool,
      ...(contextLength === undefined ? {} : { maxTokensLimit: contextLength }),
      ...(model.defaults === undefined ? {} : { defaults: model.defaults }),
      ...(paths === undefined ? {} : { paths }),
    };
  };

  return {
    registry,
    find(name, accountId) {
      const model = registry.resolve(name, accountId);
      return model && { ...model, paths: pathsOf.get(model.name) };
    },
    async serve(name) {
      const model = models.find((candidate) => candidate.name === name);
      if (model === undefined) return undefined;
      const known = served.get(name);
      if (known !== undefined) return known;
      const opening = open(model);
      served.set(name, opening);
      opening.catch(() => served.delete(name));
      return opening;
    },
    status: () => [...pools].flatMap((pool) => pool.status()),
    async close() {
      await Promise.allSettled(served.values());
      // Their timers would keep the process alive.
      for (const pool of pools) pool.close();
      await Promise.all([...engines].map((engine) => engine.close()));
    },
  };
}
