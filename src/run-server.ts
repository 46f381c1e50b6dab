/** What `boatload up` does once the database is on its way: its models, the API and a worker. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { issueKey } from './actions/issue-key.ts';
import type { Log } from './base/log.ts';
import { messageOf } from './base/message-of.ts';
import { Problem } from './base/problem.ts';
import type { UpView } from './cli/doors.ts';
import { markerOf, readMarker } from './cli/local-server.ts';
import type { Store } from './db/store.ts';
import { type Machine, openMachine } from './machine.ts';
import type { Places } from './places.ts';
import { serveApi } from './serve-api.ts';
import { chooseServerModels } from './server-models.ts';
import { readCount } from './settings/settings.ts';
import { FoundLimits } from './shelf/found-limits.ts';
import { makeModelShelf, type ShelvedModel } from './shelf/model-shelf.ts';
import type { Start } from './start-settings.ts';

const ACCOUNT = 'local';

export interface Server {
  readonly start: Start;
  readonly places: Places;
  /** Being opened. */
  readonly store: Promise<Store>;
  /** Whether the database is being made. */
  readonly isNew: boolean;
  readonly view: UpView;
  readonly stop: AbortSignal;
  /** On the clock of `performance`. */
  readonly began: number;
  readonly log: Log;
}

/** Runs until it is stopped. */
export async function runServer(server: Server): Promise<void> {
  const { isNew, view, began } = server;
  const models = await chooseServerModels(server.start, server);
  const machine = await openOrSayWhoRuns(server, models);
  try {
    view.started(
      'database',
      `embedded (${isNew ? 'first start' : 'start'} ${((performance.now() - began) / 1000).toFixed(1)} s)`,
    );
    view.started('storage', 'local files');
    view.started('models', models.map(({ name }) => name.split('/').at(-1)).join(', '));
    await machine.worker.start();
    await serveLocally(machine, server);
  } finally {
    await machine.close();
  }
}

async function openOrSayWhoRuns({ start, places, store, log, view }: Server, models: readonly ShelvedModel[]): Promise<Machine> {
  const { dataDir, settings } = start;
  const limits = await FoundLimits.open(dataDir);
  try {
    return await openMachine({
      places,
      store,
      models: makeModelShelf(models, { limits, liveWaiting: readCount(settings, 'BOATLOAD_LIVE_QUEUE') }),
      // Whoever sits at the machine runs it.
      settings: { BOATLOAD_PUBLIC_KEEPERS: ACCOUNT, ...settings },
      sharedEngines: true,
      library: 'here',
      log,
      bareRows: false,
      onTrouble: (_, cause) => view.notice(messageOf(cause)),
    });
  } catch (cause) {
    if (!(cause instanceof Problem) || cause.reason !== 'DATA_DIR_IN_USE') throw cause;
    const running = await readMarker(dataDir);
    if (running === undefined) throw cause;
    const { pid, url } = running;
    throw new Problem(
      'FAILED_PRECONDITION',
      `A server is running on ${dataDir} already: ${url} (process ${pid}). Use that one, or choose another folder with --data-dir.`,
      {
        reason: 'DATA_DIR_IN_USE',
        cause,
      },
    );
  }
}

async function serveLocally(machine: Machine, { start, view, stop, began, log }: Server): Promise<void> {
  const { dataDir } = start;
  const marker = markerOf(dataDir);
  const onReady = async (url: string): Promise<void> => {
    await writeFile(marker, JSON.stringify({ pid: process.pid, url }));
    const key = await readOrIssueKey(machine, dataDir);
    view.ready({
      ms: performance.now() - began,
      url,
      account: ACCOUNT,
      ...key,
      addresses: [{ name: 'Fireworks', url: `${url}/v1/accounts/${ACCOUNT}` }],
    });
  };
  try {
    await serveApi(machine, { start, dataDir, log, stop, onReady });
  } finally {
    await rm(marker, { force: true });
  }
}

interface KeyFacts {
  readonly apiKey: string | null;
  readonly apiKeyIsNew: boolean;
  readonly apiKeyFile: string | null;
}

/** The first start makes a key and keeps it where only this user can read it. */
async function readOrIssueKey({ context }: Machine, dataDir: string): Promise<KeyFacts> {
  const apiKeyFile = join(dataDir, 'api-key');
  const known = (await readFile(apiKeyFile, 'utf8').catch(() => '')).trim();
  if (known !== '') return { apiKey: known, apiKeyIsNew: false, apiKeyFile };
  const { key } = await issueKey(context, { accountId: ACCOUNT, displayName: 'first key', role: 'admin' });
  await writeFile(apiKeyFile, `${key}\n`, { mode: 0o600 });
  return { apiKey: key, apiKeyIsNew: true, apiKeyFile };
}
