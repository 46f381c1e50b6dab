/** A port beside the API, for who runs the server: is the process alive, is it ready, what does it do. No key, so not for the outside. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { ApiEnv } from './api/api-context.ts';
import { addHealth, type HealthContext, toGround } from './api/health.ts';
import type { Log } from './base/log.ts';
import { countOpenWork } from './db/queries/count-open-work.ts';
import { close, listen } from './listen.ts';
import type { Machine } from './machine.ts';
import { type Measured, makeMetrics, toOpenTasks } from './metrics.ts';
import { readVersion } from './versions.ts';

export interface HealthPortOptions {
  readonly host: string;
  /** None: nothing is opened. */
  readonly port: number | undefined;
  readonly log: Log;
}

/** A process as who runs it sees it. */
export interface Watched extends Pick<HealthContext, 'ground' | 'objects'> {
  readonly models: Measured['models'] & { readonly registry: HealthContext['models'] };
  readonly counts: Measured['counts'];
  readonly live: Measured['live'];
  /** Absent where only others know what there is to do. */
  readonly openWork?: Measured['openWork'];
}

/** A process with a machine room. */
export const watchMachine = ({ context: { store, objects }, models, counts, worker }: Machine): Watched => ({
  ground: toGround(store),
  objects,
  models,
  counts,
  live: (jobUid) => worker.live(jobUid),
  openWork: () => countOpenWork(store.db),
});

/** Answers what closes it again. */
export async function openHealthPort(watched: Watched, { host, port, log }: HealthPortOptions): Promise<() => Promise<void>> {
  if (port === undefined) return async () => {};
  const app = new OpenAPIHono<ApiEnv>();
  const { ground, objects, models, openWork } = watched;
  const build = { version: readVersion(), node: process.versions.node };
  addHealth(app, { ground, objects, models: models.registry, log, build });
  const metrics = makeMetrics(watched);
  app.get('/metrics', async (c) => c.body(await metrics.read(), 200, { 'content-type': metrics.contentType }));
  if (openWork !== undefined) app.get('/open-tasks', async (c) => c.json(toOpenTasks(await openWork())));
  const { server } = await listen({ fetch: app.fetch, host, port });
  return () => close(server);
}
