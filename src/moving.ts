/** `boatload export` and `import`: a whole installation, of either size, into an archive and out of it. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Manifest, readSecret, SECRET } from './actions/moving/archive.ts';
import { type ArchiveOptions, exportArchive } from './actions/moving/export-archive.ts';
import { importArchive, openArchive } from './actions/moving/import-archive.ts';
import { systemClock } from './base/clock.ts';
import { defaultDataFolder } from './base/data-folder.ts';
import { Problem } from './base/problem.ts';
import type { MoveFacts, MoveRequest, MoveView } from './cli/doors.ts';
import { expectTables, migrate } from './db/migrations/migrate.ts';
import { beginImport } from './db/moving/begin-import.ts';
import { expectAlone } from './db/moving/expect-alone.ts';
import { openStore } from './db/open-store.ts';
import { countOpenWork, type OpenWork } from './db/queries/count-open-work.ts';
import type { Store } from './db/store.ts';
import { embeddedPlaces, readSharedPlaces, type SharedPlaces } from './places.ts';
import { findSettings, readText } from './settings/settings.ts';
import { toSecret } from './settings/to-secret.ts';
import type { ObjectStore } from './storage/object-store.ts';
import { openObjectStore } from './storage/open-object-store.ts';
import { readVersion } from './versions.ts';
import { adoptJournals } from './worker/adopt-journals.ts';

/** `boatload export`. */
export async function exportTo(request: MoveRequest, view: MoveView): Promise<MoveFacts> {
  const place = await findPlace(request);
  if (place.dataDir !== undefined) expectServer(place.dataDir);
  const { database, objects: objectsUrl, secret } = await openPlace(place);
  view.opened(place.dataDir ?? 'the fleet of DATABASE_URL and OBJECT_STORE');
  const store = await openStore({
    url: database,
    tables: async (db) => {
      await (place.dataDir === undefined ? expectTables(db) : migrate(db));
      if (request.whileRunning !== true) await expectAlone(db);
    },
  });
  try {
    const objects = await openObjectStore(objectsUrl);
    if (place.dataDir !== undefined) await adopt(place.dataDir, { store, objects, view });
    const house = { store, objects, clock: systemClock, secret, version: readVersion() };
    const options = toOptions(request, view);
    const manifest = await exportArchive(house, options);
    return toFacts(options.dir, manifest, await countOpenWork(store.db));
  } finally {
    await store.close();
  }
}

/** `boatload import`. */
export async function importFrom(request: MoveRequest, view: MoveView): Promise<MoveFacts> {
  const options = toOptions(request, view);
  const manifest = await openArchive(options.dir);
  const place = await findPlace(request);
  const theirs = request.newSecret === true ? undefined : await readSecret(options.dir);
  if (place.dataDir !== undefined && theirs !== undefined) await bringSecret(place.dataDir, theirs);
  const { database, objects: objectsUrl, secret } = await openPlace(place);
  if (theirs !== undefined && !secret.equals(toSecret(theirs))) throw otherSecret(options.dir);
  view.opened(place.dataDir ?? 'the fleet of DATABASE_URL and OBJECT_STORE');
  const objects = await openObjectStore(objectsUrl);
  const storeIsEmpty = await isEmpty(objects);
  const store = await openStore({
    url: database,
    tables: async (db) => {
      await expectAlone(db);
      await beginImport(db, { id: manifest.id, storeIsEmpty });
    },
  });
  try {
    await importArchive({ store, objects }, manifest, options);
    return toFacts(options.dir, manifest, await countOpenWork(store.db));
  } finally {
    await store.close();
  }
}

interface Place {
  /** Of a server of one machine; else it is a fleet. */
  readonly dataDir: string | undefined;
  readonly settings: Awaited<ReturnType<typeof findSettings>>['settings'];
}

async function findPlace({ dataDir, config }: MoveRequest): Promise<Place> {
  const { settings } = await findSettings(process.env, config);
  if (dataDir === undefined && readText(settings, 'DATABASE_URL') !== undefined) return { dataDir: undefined, settings };
  const dir = dataDir ?? readText(settings, 'BOATLOAD_DATA_DIR') ?? defaultDataFolder(settings);
  return { dataDir: resolve(dir), settings };
}

const openPlace = async ({ dataDir, settings }: Place): Promise<SharedPlaces> =>
  dataDir === undefined ? readSharedPlaces(settings) : embeddedPlaces(dataDir);

const toOptions = ({ archive }: MoveRequest, view: MoveView): ArchiveOptions => ({
  dir: resolve(archive),
  onProgress: (copied) => view.busy(copied),
});

function expectServer(dataDir: string): void {
  if (existsSync(join(dataDir, 'database'))) return;
  throw new Problem(
    'NOT_FOUND',
    `There is no installation in ${dataDir}. Name its folder with --data-dir, or a fleet with DATABASE_URL, OBJECT_STORE and BOATLOAD_SECRET.`,
    { reason: 'NO_INSTALLATION', details: { dataDir } },
  );
}

/** Rows that a killed server had finished are part of what moves. */
async function adopt(
  dataDir: string,
  { store, objects, view }: { readonly store: Store; readonly objects: ObjectStore; readonly view: MoveView },
): Promise<void> {
  const { rows } = await adoptJournals(join(dataDir, 'journal'), { objects, leases: store.leases });
  if (rows > 0) view.notice(`${rows} rows that were finished before are kept`);
}

/** A new folder takes the archive's secret; one that has another keeps it. */
async function bringSecret(dataDir: string, text: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await writeFile(join(dataDir, 'secret'), toSecret(text), { mode: 0o600, flag: 'wx', flush: true }).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EEXIST') throw cause;
    },
  );
}

async function isEmpty(objects: ObjectStore): Promise<boolean> {
  for await (const _ of objects.list('')) return false;
  return true;
}

const toFacts = (archive: string, { tables, objects }: Manifest, { jobs }: OpenWork): MoveFacts => ({
  archive,
  rows: tables.reduce((sum, { rows }) => sum + rows, 0),
  objects: objects.rows,
  bytes: objects.objectBytes,
  unfinishedJobs: Object.values(jobs).reduce((sum, count) => sum + count, 0),
});

const otherSecret = (archive: string): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `This place has another secret than the archive, so webhooks would sign with other secrets than their receivers know, and keys of engines could not be read. ` +
      `Give it the archive's: BOATLOAD_SECRET_FILE=${join(archive, SECRET)}, or a new folder. Or say --new-secret, and tell receivers their new secrets and engines' keys anew.`,
    { reason: 'OTHER_SECRET' },
  );
