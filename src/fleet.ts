/** A team's size: the API and the workers as processes of their own, as many as are wanted, on one PostgreSQL and one object store. */
import { setTimeout as delay } from 'node:timers/promises';
import { issueKey } from './actions/issue-key.ts';
import { makeLeaseDesk } from './actions/lease-desk.ts';
import { shareLooks } from './actions/share-looks.ts';
import type { WorkersContext } from './api/api-context.ts';
import { systemClock } from './base/clock.ts';
import { makeLog } from './base/log.ts';
import { messageOf } from './base/message-of.ts';
import { Problem } from './base/problem.ts';
import type { MigrateFacts, MigrateRequest, UpRequest, UpView } from './cli/doors.ts';
import { makeEngineBoard } from './db/engine-board.ts';
import { ageOfTables } from './db/migrations/migrate.ts';
import { makeModelFiles } from './db/model-files.ts';
import { openStore } from './db/open-store.ts';
import { SCHEMA_VERSION } from './db/schema-version.ts';
import type { Db } from './db/store.ts';
import { openHealthPort, watchMachine } from './health-port.ts';
import { leaveInTime } from './leave-in-time.ts';
import { type Machine, openMachine } from './machine.ts';
import { takeFolder } from './own-folder.ts';
import { readDatabase, readSharedPlaces } from './places.ts';
import { serveApi, untilAborted } from './serve-api.ts';
import { chooseServerModels } from './server-models.ts';
import { readWorkerLimits } from './settings/read-limits.ts';
import { findSettings, readCount, readText } from './settings/settings.ts';
import { FoundLimits } from './shelf/found-limits.ts';
import { makeModelShelf } from './shelf/model-shelf.ts';
import { findStart, type Start } from './start-settings.ts';
import { readVersion } from './versions.ts';
import { workThrough } from './work-through.ts';
import { DEFAULT_WORKER_LIMITS } from './worker/worker-context.ts';

/** `boatload serve`: the API alone. */
export async function serve(request: UpRequest, view: UpView, stop: AbortSignal): Promise<void> {
  await inFleet({ name: 'serve', request, view, stop }, async (machine, { start, dataDir, log, began, stop: end }) => {
    await serveApi(machine, {
      start,
      dataDir,
      log,
      stop: end,
      publicUrl: readText(start.settings, 'BOATLOAD_PUBLIC_URL'),
      workers: letInWorkers(machine, end),
      onReady: async (url) =>
        view.ready({ ...NO_KEY, ms: performance.now() - began, url, addresses: [{ name: 'API', url: `${url}/v1` }] }),
    });
  });
}

/** Workers without a database come through this process. */
function letInWorkers({ context: { store, clock }, secret }: Machine, stop: AbortSignal): WorkersContext {
  const [board, files] = [makeEngineBoard(store, clock), makeModelFiles(store)];
  return {
    leases: makeLeaseDesk(store.leases, stop),
    jobs: store.jobs,
    engines: { ...board, list: shareLooks(() => board.list()) },
    modelFiles: { ...files, list: shareLooks(() => files.list()) },
    secret,
    tables: SCHEMA_VERSION,
  };
}

/** `boatload worker`: plans, runs rows, writes results; serves no API. */
export async function work(request: UpRequest, view: UpView, stop: AbortSignal): Promise<void> {
  const given = await findStart(request);
  if (given.through.length > 0) {
    view.opened({ version: readVersion() });
    return workThrough(given, view, stop);
  }
  await inFleet({ name: 'worker', request, view, stop }, async (machine, { start, log, began, stop: end }) => {
    const { host, healthPort: port } = start;
    const closeHealth = await openHealthPort(watchMachine(machine), { host, port, log });
    const { rows } = await machine.worker.start();
    if (rows > 0) view.notice(`${rows} rows that were finished before are kept`);
    view.ready({ ...NO_KEY, ms: performance.now() - began, url: null, addresses: [] });
    await untilAborted(end);
    // Who looks shall see it until it has given back what it holds.
    await machine.worker.stop();
    await closeHealth();
  });
}

/** `boatload migrate`: brings the tables up to date, and opens a first account where one is asked for. */
export async function migrate({ account, config }: MigrateRequest): Promise<MigrateFacts> {
  const { settings } = await findSettings(process.env, config);
  const store = await openStore({ url: readDatabase(settings) });
  try {
    if (account === undefined) return { schema: SCHEMA_VERSION, apiKey: null };
    const { key } = await issueKey(
      { store, clock: systemClock },
      { accountId: account, displayName: 'first key', role: 'admin' },
    );
    return { schema: SCHEMA_VERSION, apiKey: key };
  } finally {
    await store.close();
  }
}

const NO_KEY = { account: null, apiKey: null, apiKeyIsNew: false, apiKeyFile: null } as const;

interface Member {
  readonly name: 'serve' | 'worker';
  readonly request: UpRequest;
  readonly view: UpView;
  readonly stop: AbortSignal;
}

interface Life {
  readonly start: Start;
  /** This process's own folder. */
  readonly dataDir: string;
  readonly log: ReturnType<typeof makeLog>;
  readonly began: number;
  /** Aborted by the person, or because the tables are another version's now. */
  readonly stop: AbortSignal;
}

/** Opens the shared machine room for one process, and leaves it when told to, or when a newer version has changed the tables. */
async function inFleet(
  { name, request, view, stop }: Member,
  live: (machine: Machine, life: Life) => Promise<void>,
): Promise<void> {
  const began = performance.now();
  view.opened({ version: readVersion() });
  const start = await findStart(request);
  const { settings, dataDir } = start;
  const shared = readSharedPlaces(settings);
  const own = await takeFolder(dataDir, name);
  const log = makeLog({ level: 'info', to: process.stdout });
  const models = await chooseServerModels(start, { log, view });
  const limits = await FoundLimits.open(own.dir);
  const outdated = new AbortController();
  const ended = new AbortController();
  const machine = await openMachine({
    places: { ...shared, dataDir: own.dir },
    models: makeModelShelf(models, { limits, liveWaiting: readCount(settings, 'BOATLOAD_LIVE_QUEUE') }),
    settings,
    sharedEngines: true,
    library: name === 'serve' ? 'elsewhere' : 'here',
    log,
    bareRows: false,
    onTrouble: (_, cause) => view.notice(messageOf(cause)),
    onTablesGone: (db) => void lookAtTables(db, outdated),
  });
  try {
    view.started('database', withoutSecrets(shared.database));
    view.started('storage', withoutSecrets(shared.objects));
    view.started('models', models.map((model) => model.name.split('/').at(-1)).join(', '));
    void watchTables(machine, { outdated, ended: ended.signal });
    const end = AbortSignal.any([stop, outdated.signal]);
    leaveInTime(end, { log, drainMs: readWorkerLimits(settings).drainMs ?? DEFAULT_WORKER_LIMITS.drainMs });
    await live(machine, { start, dataDir: own.dir, log, began, stop: end });
    if (outdated.signal.aborted) throw outdated.signal.reason;
  } finally {
    ended.abort();
    await machine.close();
    own.release();
  }
}

const LOOK_EVERY_MS = 5_000;

async function watchTables(
  { context: { store } }: Machine,
  { outdated, ended }: { readonly outdated: AbortController; readonly ended: AbortSignal },
): Promise<void> {
  while (!ended.aborted && !outdated.signal.aborted) {
    await delay(LOOK_EVERY_MS, undefined, { signal: ended, ref: false }).catch(() => undefined);
    if (!ended.aborted) await lookAtTables(store.db, outdated);
  }
}

/** A database that does not answer is the worker's trouble, not the tables'. */
async function lookAtTables(db: Db, outdated: AbortController): Promise<void> {
  if ((await ageOfTables(db).catch(() => 'current')) !== 'newer') return;
  const words = 'A newer version of Boatload has changed the tables: this process stops. Start the newer one.';
  outdated.abort(new Problem('FAILED_PRECONDITION', words, { reason: 'DATABASE_TOO_NEW' }));
}

/** A URL as it may be shown. */
const withoutSecrets = (text: string): string => {
  const url = URL.parse(text);
  if (url === null) return '(hidden)';
  url.password = '';
  // PostgreSQL takes a password among the parameters, too; those of S3 say where it is.
  if (url.protocol !== 's3:') url.search = '';
  return url.href;
};
