/** The HTTP door on a real port, with engines behind it that answer live requests. */
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import { makeModelRegistry, type RegisteredModel } from '../../src/actions/model-registry.ts';
import { makeApp } from '../../src/api/app.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { makePool, type Pool, type PoolOptions } from '../../src/engines/pool.ts';
import type { ServedModel } from '../../src/jobs/served-model.ts';
import { openDoor } from './door.ts';

export interface LiveModel extends Pick<ServedModel, 'defaults' | 'maxTokensLimit' | 'paths'> {
  readonly engine: Engine;
  /** The engine's own name for it; default the id. */
  readonly model?: string;
  readonly pool?: PoolOptions;
  /** Who it belongs to; default everybody. */
  readonly account?: string;
}

/** Every model under its id. The engines are closed with the door. */
export async function openLiveDoor(models: Readonly<Record<string, LiveModel>>) {
  const door = await openDoor();
  const pools: Record<string, Pool> = {};
  const served = new Map<string, ServedModel>();
  const registered: RegisteredModel[] = [{ name: 'accounts/boatload/models/asleep', served: false, precision: 'BF16' }];
  for (const [id, { engine, model = id, pool: options, account = 'boatload', ...others }] of Object.entries(models)) {
    const pool = makePool([{ engine, model }], { trialMs: { first: 50, most: 100 }, ...options });
    const name = `accounts/${account}/models/${id}`;
    pools[id] = pool;
    served.set(name, { pool, ...others });
    registered.push({ name, served: true, precision: 'BF16' });
  }
  const app = makeApp({
    ...door.context,
    models: makeModelRegistry(() => registered),
    serve: async (name) => served.get(name),
  });
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { acme: apiKey } = door.keys;
  const options = { apiKey, maxRetries: 0 };
  const clients = {
    'openai 7': new OpenAI({ ...options, baseURL: `${origin}/v1` }),
    'openai 6': new OpenAI6({ ...options, baseURL: `${origin}/inference/v1` }) as unknown as OpenAI, // The same calls, as far as they go here.
  };
  const post = (path: string, body: unknown, init: RequestInit = {}) =>
    fetch(origin + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}` },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...init,
    });
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    if ('closeAllConnections' in server) server.closeAllConnections();
    await closed;
    for (const pool of Object.values(pools)) pool.close();
    await Promise.all(Object.values(models).map(({ engine }) => engine.close()));
    await door.close();
  };
  return { ...door, origin, pools, clients, post, close };
}
