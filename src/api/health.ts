/** Is it alive, is it ready, what is it: no key, no secrets. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { PUBLIC_ACCOUNT } from '../actions/model-registry.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';

/** What is asked, and who is told of trouble. */
export type HealthContext = Pick<ApiContext, 'store' | 'objects' | 'models' | 'log' | 'build'>;

/** Adds `/healthz` (the process lives), `/readyz` (its parts answer) and `/version`. */
export const addHealth = (app: OpenAPIHono<ApiEnv>, context: HealthContext): void => {
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/version', (c) => c.json(context.build));
  app.get('/readyz', async (c) => {
    const checks = await checkParts(context);
    const ready = checks.database === 'ok' && checks.storage === 'ok';
    return c.json({ status: ready ? 'ok' : 'not ready', checks }, ready ? 200 : 503);
  });
};

/** Engines come and go and rows wait for them, so a server without any is ready; it says so. */
async function checkParts({ store, objects, models, log }: HealthContext) {
  const answers = (part: string, asked: Promise<unknown>) =>
    asked.then(
      () => 'ok',
      (error: unknown) => {
        log.error({ part, error }, 'not ready');
        return 'not answering';
      },
    );
  const [database, storage] = await Promise.all([
    answers('database', sql`select 1`.execute(store.db)),
    answers('storage', objects.head('readyz')),
  ]);
  const served = models.list(PUBLIC_ACCOUNT).filter((model) => model.served).length;
  return { database, storage, engines: served === 0 ? 'no engine yet' : 'ok' };
}
