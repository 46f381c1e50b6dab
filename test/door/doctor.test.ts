import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { lookAtPostgres, type PostgresFacts } from '../../src/db/look-at-postgres.ts';
import { openStore } from '../../src/db/open-store.ts';
import { judgePostgres } from '../../src/doctor/check-database.ts';
import { judgeMemory } from '../../src/doctor/check-memory.ts';
import { judgeOpenFiles } from '../../src/doctor/check-open-files.ts';
import { checkSettings } from '../../src/doctor/check-settings.ts';
import { PATIENT_CHECKS } from '../../src/doctor/checks.ts';
import { toFault } from '../../src/doctor/observe.ts';
import type { Patient } from '../../src/doctor/patient.ts';
import { makeFolder } from '../support/folder.ts';
import { startHttpEngine } from '../support/http-engine.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { boatload } from '../support/program.ts';
import { startServer } from './server.ts';

const SECRET = 'the same text for all of the fleet';

const makePatient = (changes: Partial<Patient> = {}): Patient => ({
  settings: {},
  host: '127.0.0.1',
  port: 0,
  dataDir: '/nowhere',
  models: [],
  engines: [],
  through: [],
  ...changes,
});

/** What one check says, by code. */
const codesOf = async (check: keyof typeof PATIENT_CHECKS, patient: Patient) =>
  (await PATIENT_CHECKS[check](patient).catch((cause: unknown) => [toFault(cause)])).map(({ level, code }) => `${level} ${code}`);

test('on a machine where all is well it says so, ends with 0 and leaves nothing behind', async () => {
  const cwd = await makeFolder();
  const { code, stdout } = await boatload(['doctor', '--json', '--port', '0', '--data-dir', 'new/data'], { cwd });
  const { ok, findings } = JSON.parse(stdout);
  expect({ code, ok }).toEqual({ code: 0, ok: true });
  expect([...new Set(findings.map(({ check }: { check: string }) => check))]).toEqual([
    'node',
    'memory',
    'files',
    'engine',
    'settings',
    'disk',
    'models',
    'database',
    'engines',
    'server',
  ]);
  expect(findings.find(({ check }: { check: string }) => check === 'engine')).toMatchObject({
    code: 'OK',
    details: { gpu: expect.anything() },
  });
  expect(readdirSync(cwd)).toEqual([]);
});

test('all that is wrong is said at once, each with its code, and it ends with 1', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'junk.gguf'), 'not a model');
  await mkdir(join(cwd, 'data', 'database'), { recursive: true });
  await writeFile(join(cwd, 'data', 'database', 'PG_VERSION'), '13\n');
  const engine = await startHttpEngine({});
  onTestFinished(() => engine.close());
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { readonly port: number };
  const args = [
    'doctor',
    '--data-dir',
    'data',
    '-p',
    String(port),
    '-m',
    'junk.gguf',
    '--engine',
    engine.url,
    '--engine',
    'http://127.0.0.1:9',
  ];
  const { code, stdout } = await boatload(args, { cwd });
  expect(code).toBe(1);
  for (const reason of ['PORT_TAKEN', 'MODEL_FILE_INVALID', 'DATA_DIR_FOREIGN', 'ENGINE_UNREACHABLE'])
    expect(stdout).toMatch(new RegExp(`^✗ .*\\[${reason}\\]$`, 'm'));
  expect(stdout).toContain('serves test-model');
  expect(stdout).toMatch(/^4 faults/m);
});

test('settings that can’t be read are a finding like others, and the machine is looked at all the same', async () => {
  const cwd = await makeFolder();
  await writeFile(join(cwd, 'boatload.yaml'), 'maxDatasetByte: 5\n');
  const { code, stdout } = await boatload(['doctor', '--json', '--config', 'boatload.yaml'], { cwd });
  const { findings } = JSON.parse(stdout);
  expect(code).toBe(1);
  expect(findings.at(-1)).toMatchObject({ check: 'settings', level: 'fault', code: 'CONFIG_INVALID' });
  expect(findings.length).toBe(5);
});

test('beside a running server it is well, and after a kill it says that the server is gone', async () => {
  const cwd = await makeFolder();
  const server = await startServer(cwd, '--engine', 'echo');
  const dataDir = join(cwd, 'data');
  const port = Number(new URL(server.url).port);
  expect(await codesOf('server', makePatient({ dataDir }))).toEqual(['ok OK']);
  expect(await codesOf('ports', makePatient({ dataDir, port }))).toEqual(['ok OK']);
  await server.program.killAll();
  expect(await codesOf('server', makePatient({ dataDir }))).toEqual(['warning SERVER_GONE']);
});

describe('a database of a fleet', () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres?.stop());

  test('is told to be brought up to date, then well, then too new; its engines are looked at, too', async () => {
    const url = await postgres.makeDatabase();
    const patient = makePatient({ settings: { DATABASE_URL: url, OBJECT_STORE: 'file:/nowhere', BOATLOAD_SECRET: SECRET } });
    const before = await lookAtPostgres(url);
    expect(await codesOf('database', patient)).toEqual(['fault DATABASE_TOO_OLD']);
    expect((await lookAtPostgres(url)).tablesTrouble).toEqual(before.tablesTrouble);
    await (await openStore({ url })).close();
    expect(await codesOf('database', patient)).toEqual(['ok OK']);
    await postgres.run(url, `insert into account values ('acme', '', now())`);
    await postgres.run(
      url,
      `insert into engine values ('acme', 'gpu', '', 'http://127.0.0.1:9/v1', 'v1.AAAA', 'vllm', '[]', null, null, null, null, null, false, '', now(), now())`,
    );
    expect(await codesOf('engines', patient)).toEqual(['warning ENGINE_KEY_UNREADABLE']);
    await postgres.run(url, `insert into public.kysely_migration values ('9999-later', now()::text)`);
    expect(await codesOf('database', patient)).toEqual(['fault DATABASE_TOO_NEW']);
  });

  test('that is away is a fault', async () => {
    const url = 'postgres://boatload:test@127.0.0.1:9/none';
    expect(await codesOf('database', makePatient({ settings: { DATABASE_URL: url } }))).toEqual(['fault DATABASE_UNREACHABLE']);
  });

  test('that is a standby, far away, full, forgetful and of another time: each is said', async () => {
    const facts: PostgresFacts = {
      ...(await lookAtPostgres(await postgres.makeDatabase())),
      ...{ tablesTrouble: undefined, readOnly: true, clockAheadMs: -60_000, roundTripMs: 80, freeConnections: 3, durable: false },
    };
    expect(judgePostgres(facts).map(({ code }) => code)).toEqual([
      'DATABASE_READ_ONLY',
      'CLOCK_OFF',
      'DATABASE_FAR',
      'DATABASE_CONNECTIONS_FEW',
      'DATABASE_NOT_DURABLE',
    ]);
  });
});

test('a folder of objects is written to, read from and left as it was; one that is not there is a fault', async () => {
  const folder = await makeFolder();
  const settings = { OBJECT_STORE: `file:${folder}`, DATABASE_URL: 'postgres://a@127.0.0.1:9/a' };
  expect(await codesOf('store', makePatient({ settings }))).toEqual(['ok OK']);
  expect(readdirSync(folder).filter((name) => !name.startsWith('.'))).toEqual([]);
  expect(await codesOf('store', makePatient({ settings: { ...settings, OBJECT_STORE: `file:${folder}/none` } }))).toEqual([
    'fault STORE_FOLDER_MISSING',
  ]);
});

const FLEET = { DATABASE_URL: 'postgres://a@b/c', OBJECT_STORE: 's3://a', BOATLOAD_SECRET: SECRET };

test.each<[Partial<Patient>, readonly string[]]>([
  [{}, ['OK']],
  [{ settings: FLEET }, ['OK']],
  [{ settings: { DATABASE_URL: FLEET.DATABASE_URL } }, ['SETTING_MISSING', 'SETTING_MISSING']],
  [{ settings: { ...FLEET, BOATLOAD_SECRET: 'short' } }, ['SECRET_TOO_SHORT']],
  [{ settings: FLEET, through: ['http://api'] }, ['SETTING_UNUSED']],
  [{ port: 9090, healthPort: 9090 }, ['PORTS_CLASH']],
  [{ settings: { BOATLOAD_MAX_DATASET_BYTES: '2000', BOATLOAD_QUOTA_DATASET_BYTES: '1000' } }, ['LIMITS_CLASH']],
  [{ settings: { BOATLOAD_PUBLIC_URL: 'api.example' } }, ['SETTING_INVALID']],
  [{ settings: { BOATLOAD_JOB_WINDOW_SECONDS: '1' } }, ['LIMIT_INVALID']],
  [{ settings: { BOATLOAD_PRICES: '/nowhere.json' } }, ['PRICES_INVALID']],
])('settings %j: %j', async (changes, codes) => {
  expect((await checkSettings(makePatient(changes))).map(({ code }) => code)).toEqual(codes);
});

test('little memory and few files are warnings, too little are faults', () => {
  const memory = (availableBytes: number) => judgeMemory({ availableBytes, totalBytes: 2 ** 33 }).level;
  expect([memory(2 ** 32), memory(2 ** 28), memory(2 ** 26)]).toEqual(['ok', 'warning', 'fault']);
  expect([65_536, 1_024, 64].map((limit) => judgeOpenFiles(limit).level)).toEqual(['ok', 'warning', 'fault']);
});
