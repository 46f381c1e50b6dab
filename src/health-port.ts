/** A port beside the API, for who runs the server: is the process alive, is it ready, what does it do. No key, so not for the outside. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { ApiEnv } from './api/api-context.ts';
import { addHealth } from './api/health.ts';
import type { Log } from './base/log.ts';
import { countOpenWork } from './db/queries/count-open-work.ts';
import { close, listen } from './listen.ts';
import type { Machine } from './machine.ts';
import { makeMetrics, toOpenTasks } from './metrics.ts';
import { readVersion } from './versions.ts';

export interface HealthPortOptions {
  readonly host: string;
  /** None: nothing is opened. */
  readonly port: number | undefined;
  readonly log: Log;
}

/** Answers what closes it again. */
export async function openHealthPort(machine: Machine, { host, port, log }: HealthPortOptions): Promise<() => Promise<void>> {
  if (port === undefined) return async () => {};
  const app = new OpenAPIHono<ApiEnv>();
  addHealth(app, { ...machine.context, log, build: { version: readVersion(), node: process.versions.node } });
  const metrics = makeMetrics(machine);
  app.get('/metrics', async (c) => c.body(await metrics.read(), 200, { 'content-type': metrics.contentType }));
  app.get('/open-tasks', async (c) => c.json(toOpenTasks(await countOpenWork(machine.context.store.db))));
  const { server } = await listen({ fetch: app.fetch, host, port });
  return () => close(server);
}
