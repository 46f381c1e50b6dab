/** The door for workers without a database: leases and jobs over HTTP, for who shows the fleet's token. No part of the public API. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { HonoRequest } from 'hono';
import { Problem } from '../base/problem.ts';
import { TABLES_HEADER, WORKER_CALLS, WORKER_CALLS_PATH, type WorkerCall } from '../contract/worker-calls.ts';
import type { ShardsOf } from '../jobs/leases.ts';
import { isWorkerToken } from '../jobs/worker-token.ts';
import type { ApiContext, ApiEnv, WorkersContext } from './api-context.ts';
import { readJson } from './read-json.ts';

/** A commit of many small rows in any order names each of them. */
const LIMITS = { bytes: 16 * 1024 * 1024, ms: 30_000 } as const;

/** Adds the calls where such workers are let in. */
export function addWorkerCalls(app: OpenAPIHono<ApiEnv>, { workers }: Pick<ApiContext, 'workers'>): void {
  if (workers === undefined) return;
  app.post(`${WORKER_CALLS_PATH}/:call`, async (c) => {
    checkToken(c.req, workers);
    checkTables(c.req, workers);
    const call = c.req.param('call');
    if (!isCall(call)) throw new Problem('NOT_FOUND', `No call is named "${call}".`, { reason: 'NO_SUCH_CALL' });
    return c.json({ answer: (await answer(call, { workers, request: c.req })) ?? null });
  });
}

function checkToken(request: HonoRequest, { secret }: WorkersContext): void {
  const [, token = ''] = /^Bearer +(\S+)$/i.exec(request.header('authorization') ?? '') ?? [];
  if (isWorkerToken(secret, token)) return;
  throw new Problem('UNAUTHENTICATED', "The worker's BOATLOAD_SECRET should be the one of the API processes, and is not.", {
    reason: 'WORKER_TOKEN_REFUSED',
  });
}

/** As with the database itself: who knows other tables writes nothing. */
function checkTables(request: HonoRequest, { tables }: WorkersContext): void {
  const known = request.header(TABLES_HEADER) ?? '';
  if (known === tables) return;
  if (known > tables)
    throw new Problem('UNAVAILABLE', 'This API process is older than the worker. It is asked again when it is updated.', {
      reason: 'API_TOO_OLD',
    });
  throw new Problem('FAILED_PRECONDITION', 'The API is of a newer version of Boatload: this worker stops. Start the newer one.', {
    reason: 'DATABASE_TOO_NEW',
  });
}

const isCall = (name: string): name is WorkerCall => Object.hasOwn(WORKER_CALLS, name);

interface Asked {
  readonly workers: WorkersContext;
  readonly request: HonoRequest;
}

async function answer(call: WorkerCall, { workers: { leases, jobs, engines, modelFiles }, request }: Asked): Promise<unknown> {
  const body = await readJson(request, LIMITS);
  const read = <Name extends WorkerCall>(name: Name) => parse(name, body);
  switch (call) {
    case 'take':
      return take(leases, read(call), request.raw.signal);
    case 'keep':
      return (await leases.keep(read(call).leases)).map(({ ticket }) => ticket);
    case 'commit':
      return leases.commit(read(call).claims);
    case 'settle':
      return leases.settle(read(call).lease);
    case 'giveBack': {
      const { lease, afterMs } = read(call);
      return leases.giveBack(lease, { afterMs });
    }
    case 'open':
      return jobs.open(read(call).jobUid);
    case 'states':
      return Object.fromEntries(await jobs.states(read(call).jobUids));
    case 'giveUp': {
      const { jobUid, ...why } = read(call);
      return jobs.giveUp(jobUid, why);
    }
    case 'note':
      return jobs.note(read(call));
    case 'latestNote': {
      const { jobUid, kinds } = read(call);
      return jobs.latestNote(jobUid, kinds);
    }
    case 'engines':
      return engines.list();
    case 'reportEngines':
      return engines.report(read(call).reports);
    case 'engineReports':
      return engines.reports(read(call).accountId);
    case 'leaveEngines':
      return engines.leave(read(call).process);
    case 'modelFiles':
      return modelFiles.list();
  }
}

function parse<Name extends WorkerCall>(name: Name, body: unknown) {
  const { success, data, error } = WORKER_CALLS[name].safeParse(body);
  if (success) return data as ReturnType<(typeof WORKER_CALLS)[Name]['parse']>; // Of the schema of that name.
  throw new Problem('INVALID_ARGUMENT', `The call ${name} is not as expected: ${error.message}`, { reason: 'CALL_INVALID' });
}

/** What was taken for who has gone away meanwhile goes back at once. */
async function take(
  leases: WorkersContext['leases'],
  { max, waitMs, without }: ReturnType<typeof WORKER_CALLS.take.parse>,
  gone: AbortSignal,
) {
  const patience = waitMs === 0 ? undefined : { maxMs: waitMs, signal: gone };
  const taken = await leases.take(max, patience, without.map(toShardsOf));
  if (!gone.aborted) return taken;
  await Promise.all(taken.map((lease) => leases.giveBack(lease)));
  return [];
}

const toShardsOf = ({ model, accountId }: Unwanted): ShardsOf => (accountId === undefined ? { model } : { model, accountId });

type Unwanted = ReturnType<typeof WORKER_CALLS.take.parse>['without'][number];
