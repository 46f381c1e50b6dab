/** Is it alive, is it ready, what is it: no key, no secrets. */

import { setTimeout as delay } from 'node:timers/promises';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { sql } from 'kysely';
import { PUBLIC_ACCOUNT } from '../contract/names.ts';
import type { Store } from '../db/store.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';

/** What holds the jobs of a process: its database, or the API that it works through. */
export interface Ground {
  readonly name: 'database' | 'api';
  /** Rejects when it does not answer. */
  ask(): Promise<unknown>;
}

/** What is asked, and who is told of trouble. */
export interface HealthContext extends Pick<ApiContext, 'objects' | 'models' | 'log' | 'build'> {
  readonly ground: Ground;
}

/** The database as such. */
export const toGround = ({ db }: Pick<Store, 'db'>): Ground => ({ name: 'database', ask: () => sql`select 1`.execute(db) });

/** Adds `/healthz` (the process lives), `/readyz` (its parts answer) and `/version`. */
export const addHealth = (app: OpenAPIHono<ApiEnv>, context: HealthContext): void => {
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/version', (c) => c.json(context.build));
  app.get('/readyz', async (c) => {
    const checks = await checkParts(context);
    const ready = checks[context.ground.name] === 'ok' && checks['storage'] === 'ok';
    return c.json({ status: ready ? 'ok' : 'not ready', checks }, ready ? 200 : 503);
  });
};

/** Who is asked for longer is away; whoever looks has no more patience either. */
const PATIENCE_MS = 5_000;

/** Engines come and go and rows wait for them, so a server without any is ready; it says so. */
async function checkParts({ ground, objects, models, log }: HealthContext): Promise<Readonly<Record<string, string>>> {
  const answers = (part: string, asked: Promise<unknown>) =>
    within(PATIENCE_MS, asked).then(
      () => 'ok',
      (error: unknown) => {
        log.error({ part, error }, 'not ready');
        return 'not answering';
      },
    );
  const [held, storage] = await Promise.all([answers(ground.name, ground.ask()), answers('storage', objects.head('readyz'))]);
  const served = models.list(PUBLIC_ACCOUNT).filter((model) => model.served).length;
  return { [ground.name]: held, storage, engines: served === 0 ? 'no engine yet' : 'ok' };
}

/** Rejects when the answer takes longer. */
async function within<Answer>(ms: number, answer: Promise<Answer>): Promise<Answer> {
  const answered = new AbortController();
  const late = delay(ms, undefined, { signal: answered.signal }).then(() => {
    throw new Error(`no answer within ${ms} ms`);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    late.catch(() => undefined);
    answered.abort();
  }
}
