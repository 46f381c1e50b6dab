/** Servers that answer prompts. */
import type { z } from 'zod';
import type { CreateEngineRequest, Engine, EngineTest, UpdateEngineRequest } from '../contract/engine.ts';
import { makeResource, type Resource } from './resource.ts';
import type { CallOptions, CreateOptions, Transport } from './transport.ts';
import { makeWord } from './transport.ts';

/** An engine as it is asked for. */
export type NewEngine = z.input<typeof CreateEngineRequest>;
/** What of an engine can change; 0 takes a bound away, an empty key the key. */
export type EnginePatch = z.input<typeof UpdateEngineRequest>;

/** Whether an engine is kept although it does not answer now. */
export interface AnywayOptions {
  /** Default: it is refused. */
  readonly anyway?: boolean | undefined;
}

/** How to add an engine. */
export interface CreateEngineOptions extends CreateOptions, AnywayOptions {
  /** The new engine's id. Default: made from its address. */
  readonly id?: string | undefined;
}

/** `client.engines`; for admins alone. */
export interface Engines extends Omit<Resource<Engine, EnginePatch>, 'update'> {
  /** Adds an engine. It is asked what it is, so it should be up. */
  create(engine: NewEngine, options?: CreateEngineOptions): Promise<Engine>;
  /** Changes what is given; the rest stays. With a new address, key or models it is asked again what it is. */
  update(name: string, patch: EnginePatch, options?: CallOptions & AnywayOptions): Promise<Engine>;
  /** It finishes what it has and gets nothing new. */
  drain(name: string, options?: CallOptions): Promise<Engine>;
  /** A drained engine goes on. */
  resume(name: string, options?: CallOptions): Promise<Engine>;
  /** Asks it what it is, and one token. */
  test(name: string, options?: CallOptions & { readonly model?: string | undefined }): Promise<EngineTest>;
}

/** Makes `client.engines`. */
export function makeEngines(transport: Transport): Engines {
  const resource = makeResource<Engine, EnginePatch>(transport, 'engines');
  const { path, pathOf } = resource;
  const post = (verb: string, name: string, signal: AbortSignal | undefined): Promise<Engine> =>
    transport.request({ method: 'POST', path: `${pathOf(name)}:${verb}`, signal, isRepeatable: true });
  return {
    ...resource,
    create: (body, { id: engineId, anyway, signal, idempotencyKey = makeWord() } = {}) =>
      transport.request({ method: 'POST', path, query: { engineId, anyway }, body, signal, idempotencyKey }),
    update: (name, body, { anyway, signal } = {}) =>
      transport.request({ method: 'PATCH', path: pathOf(name), query: { anyway }, body, signal }),
    drain: (name, { signal } = {}) => post('drain', name, signal),
    resume: (name, { signal } = {}) => post('resume', name, signal),
    test: (name, { signal, model } = {}) =>
      transport.request({ method: 'POST', path: `${pathOf(name)}:test`, body: { model }, signal, isRepeatable: true }),
  };
}
