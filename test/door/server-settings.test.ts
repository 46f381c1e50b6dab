import { existsSync, globSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/actions/context.ts';
import { readLimits, readLoading, readWorkerLimits } from '../../src/settings/read-limits.ts';
import { readPrices } from '../../src/settings/read-prices.ts';
import { findSettings, readCount, readList } from '../../src/settings/settings.ts';
import { SETTINGS } from '../../src/settings/settings-table.ts';
import { DEFAULT_WORKER_LIMITS } from '../../src/worker/worker-context.ts';
import { makeFolder } from '../support/folder.ts';
import { settingsPage } from './settings-page.ts';

test('limits are set through the environment, one by one', () => {
  expect(readLimits({})).toEqual({});
  expect(readLimits({ BOATLOAD_MAX_DATASET_BYTES: '5', BOATLOAD_QUOTA_BATCH_JOBS_ACTIVE: '3' })).toEqual({
    datasetBytes: 5,
    quotas: { 'batch-jobs-active': 3, 'dataset-bytes': 10 * 1024 ** 4, 'model-bytes': 10 * 1024 ** 4 },
  });
});

test.each(['0', '-1', '5 MB', '1.5', '9'.repeat(20)])('a quota of %s is refused', (text) => {
  expect(() => readLimits({ BOATLOAD_QUOTA_MODEL_BYTES: text })).toThrow(
    /BOATLOAD_QUOTA_MODEL_BYTES should be a whole number of bytes/,
  );
});

test('windows, the output limit and switches are set the same way', () => {
  const window = { minSeconds: 60, maxSeconds: 259_200, defaultSeconds: 3_600 };
  expect(readLimits({ BOATLOAD_JOB_WINDOW_SECONDS: '3600', BOATLOAD_MIN_JOB_WINDOW_SECONDS: '60' })).toEqual({ window });
  expect(
    readLimits({ BOATLOAD_ANY_PARAMETERS: '1', BOATLOAD_REQUIRE_EXAMPLE_COUNT: 'false', BOATLOAD_ACCEPT_IDLE_MODELS: '1' }),
  ).toEqual({
    anyParameters: true,
    acceptIdleModels: true,
    requireExampleCount: false,
  });
  expect([readWorkerLimits({}), readWorkerLimits({ BOATLOAD_MAX_OUTPUT_BYTES: '9' })]).toEqual([{}, { outputBytes: 9 }]);
});

test.each([
  [{ BOATLOAD_JOB_WINDOW_SECONDS: '60' }, 'BOATLOAD_JOB_WINDOW_SECONDS should lie between'],
  [{ BOATLOAD_ANY_PARAMETERS: 'yes' }, 'BOATLOAD_ANY_PARAMETERS should be 1 or 0, got "yes"'],
])('%j is refused', (env, why) => {
  expect(() => readLimits(env)).toThrow(why);
});

const pricesIn = async (text: string) => {
  const path = join(await makeFolder(), 'prices.json');
  await writeFile(path, text);
  return readPrices({ BOATLOAD_PRICES: path });
};

test('prices are read by full name, or by the id of a public model', async () => {
  expect(await readPrices({})).toBeUndefined();
  const price = { inputPerMillion: 0.2, outputPerMillion: 0.6 };
  expect(
    await pricesIn(JSON.stringify({ currencyCode: 'EUR', models: { tickets: price, 'accounts/a/models/b': price } })),
  ).toEqual({
    currencyCode: 'EUR',
    models: { 'accounts/boatload/models/tickets': price, 'accounts/a/models/b': price },
  });
});

test.each([
  ['nonsense', 'Unexpected token'],
  ['{"currencyCode":"euro","models":{}}', 'currencyCode: expected three capital letters'],
  ['{"currencyCode":"EUR","models":{"a":{"inputPerMillion":-1,"outputPerMillion":1}}}', 'models.a.inputPerMillion'],
])('%s is refused', async (text, why) => {
  await expect(pricesIn(text)).rejects.toMatchObject({ reason: 'PRICES_INVALID', message: expect.stringContaining(why) });
});

test('a file that is not there is refused', async () => {
  await expect(readPrices({ BOATLOAD_PRICES: '/nowhere/prices.json' })).rejects.toMatchObject({ reason: 'PRICES_INVALID' });
});

test('docs/settings.md is what the table of settings says, and the defaults in it hold', async () => {
  await expect(settingsPage()).toMatchFileSnapshot('../../docs/settings.md');
  const counts = Object.entries(SETTINGS).flatMap(([name, { fallback }]) =>
    typeof fallback === 'number' && fallback > 0 ? [[name, `${fallback}`]] : [],
  );
  expect(counts.length).toBeGreaterThan(8);
  const { datasetBytes, liveBytes, window, quotas } = DEFAULT_LIMITS;
  expect(readLimits(Object.fromEntries(counts))).toEqual({ datasetBytes, liveBytes, window, quotas });
  const { outputBytes, drainMs } = DEFAULT_WORKER_LIMITS;
  expect(readWorkerLimits(Object.fromEntries(counts))).toEqual({ outputBytes, drainMs });
});

test('how long a model may be idle can be no time at all, which is never; how long it may load can not', () => {
  expect(readLoading({ BOATLOAD_UNLOAD_IDLE_SECONDS: '0', BOATLOAD_MODEL_MEMORY_BYTES: '5' })).toMatchObject({
    ...{ unloadIdleMs: 0, memoryBytes: 5 },
  });
  expect(() => readLoading({ BOATLOAD_UNLOAD_IDLE_SECONDS: '-1' })).toThrow('a whole number of seconds, got "-1"');
  expect(() => readLoading({ BOATLOAD_MODEL_LOAD_SECONDS: '0' })).toThrow('a whole number of seconds above 0, got "0"');
});

test('every variable that the program reads is in the table', () => {
  const used = globSync('src/**/*.ts')
    .filter((path) => !path.includes('torture'))
    .flatMap((path) => readFileSync(path, 'utf8').match(/\bBOATLOAD_[A-Z_]+\b/g) ?? []);
  // Those of the fault harness are no settings.
  const page = ['docs/settings.md', 'docs/durability.md']
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'))
    .join('');
  expect(new Set(used).size).toBeGreaterThan(15);
  expect(used.filter((name) => !name.startsWith('BOATLOAD_CRASH_') && !page.includes(`\`${name}\``))).toEqual([]);
});

const write = async (text: string, name = 'boatload.yaml'): Promise<string> => {
  const path = join(await makeFolder(), name);
  await writeFile(path, text);
  return path;
};

test('a config file holds what the environment may hold, and counts less', async () => {
  const path = await write(
    'maxDatasetBytes: 5\n# a comment\nanyParameters: true\nengines:\n  - http://a/v1\n  - http://b/v1\nliveQueue:\n',
  );
  const { settings, given } = await findSettings({ BOATLOAD_ANY_PARAMETERS: '0', HOME: '/h', BOATLOAD_CONFIG: path }, undefined);
  expect(readLimits(settings)).toEqual({ datasetBytes: 5, anyParameters: false });
  expect(readList(settings, 'BOATLOAD_ENGINES')).toEqual(['http://a/v1', 'http://b/v1']);
  expect(settings['HOME']).toBe('/h');
  expect(Object.fromEntries(given)).toEqual({
    BOATLOAD_MAX_DATASET_BYTES: { text: '5', from: `${path}:1` },
    BOATLOAD_ANY_PARAMETERS: { text: '0', from: 'the environment' },
    BOATLOAD_ENGINES: { text: 'http://a/v1,http://b/v1', from: `${path}:4` },
  });
});

test('a file that is named counts more than that of the environment, and none is none', async () => {
  const [one, other] = [await write('listenPort: 1'), await write('listenPort: 2')];
  const portOf = async (...given: Parameters<typeof findSettings>) =>
    readCount((await findSettings(...given)).settings, 'BOATLOAD_LISTEN_PORT');
  expect(await portOf({ BOATLOAD_CONFIG: one }, other)).toBe(2);
  expect(await portOf({ BOATLOAD_CONFIG: one }, undefined)).toBe(1);
  expect(await portOf({ BOATLOAD_CONFIG: '' }, undefined)).toBeUndefined();
  expect(await portOf({}, await write('# nothing\n'))).toBeUndefined();
});

test('all faults of a config file are said at once, by line, with what was expected, what came and what to do', async () => {
  const path = await write(
    'maxDatasetByte: 5\nlivequeue: 1\nsomethingElse: 1\nmaxDatasetBytes: 5 MB\nanyParameters: maybe\nlistenPort: 70000\npublicUrl: 12\nengines: [1]\nboatloadSecret: x\nprices: {a: 1}\n',
  );
  await expect(findSettings({}, path)).rejects.toMatchObject({
    reason: 'CONFIG_INVALID',
    message: [
      `${path}:1: maxDatasetByte is not a setting. Did you mean maxDatasetBytes?`,
      `${path}:2: livequeue is not a setting. Did you mean liveQueue?`,
      `${path}:3: somethingElse is not a setting. \`boatload config\` lists all.`,
      `${path}:4: maxDatasetBytes should be a whole number of bytes above 0, got "5 MB". Correct it, or leave it out.`,
      `${path}:5: anyParameters should be 1 or 0, got "maybe". Correct it, or leave it out.`,
      `${path}:6: listenPort should be a port number, from 1 to 65535, got 70000. Correct it, or leave it out.`,
      `${path}:7: publicUrl should be text: URL, got 12. Correct it, or leave it out.`,
      `${path}:8: engines should be a list of URLs, got [1]. Correct it, or leave it out.`,
      `${path}:9: boatloadSecret is not a setting. \`boatload config\` lists all.`,
      `${path}:10: prices should be text: JSON file, got {"a":1}. Correct it, or leave it out.`,
    ].join('\n'),
  });
});

test.each([
  ['a: b: c', /:1: Nested mappings/],
  ['secret: x\nsecret: y', /:2: Map keys must be unique/],
  ['- 1', /should hold a setting on each line/],
])('a file that is no such YAML is refused: %j', async (text, why) => {
  await expect(findSettings({}, await write(text))).rejects.toMatchObject({
    reason: 'CONFIG_INVALID',
    message: expect.stringMatching(why),
  });
});

test('a secret of the wrong kind is refused without being said, and an anchor is never multiplied', async () => {
  await expect(findSettings({}, await write('databaseUrl: [postgres://u:hush@h/n]'))).rejects.toMatchObject({
    message: expect.not.stringContaining('hush'),
  });
  const layers = Array.from({ length: 40 }, (_, at) => `- &l${at + 1} [${Array(9).fill(`*l${at}`).join(', ')}]`);
  await expect(findSettings({}, await write(`engines:\n- &l0 [a]\n${layers.join('\n')}\n`))).rejects.toMatchObject({
    reason: 'CONFIG_INVALID',
    message: expect.stringMatching(/:1: engines should be/),
  });
});

test('a file that is not there is refused', async () => {
  await expect(findSettings({}, '/nowhere/boatload.yaml')).rejects.toMatchObject({ reason: 'CONFIG_INVALID' });
});

test('secrets come as files, too, from the environment and from the config file', async () => {
  const secret = await write('  so secret\n', 'secret');
  const config = await write(`databaseUrlFile: ${secret}`);
  const { settings, given } = await findSettings({ BOATLOAD_SECRET_FILE: secret }, config);
  expect(settings).toMatchObject({ BOATLOAD_SECRET: 'so secret', DATABASE_URL: 'so secret' });
  expect(given.get('BOATLOAD_SECRET')).toEqual({ text: 'so secret', from: secret });
  // The environment counts more, in either form.
  expect((await findSettings({ DATABASE_URL: 'x' }, config)).settings).toMatchObject({ DATABASE_URL: 'x' });
});

test.each([
  [{ DATABASE_URL: 'x', DATABASE_URL_FILE: 'y' }, 'SETTING_TWICE'],
  [{ BOATLOAD_SECRET_FILE: '/nowhere' }, 'SECRET_UNREADABLE'],
  [{ BOATLOAD_SECRET_FILE: '/dev/null' }, 'SECRET_UNREADABLE'],
  [{ BOATLOAD_LIVE_QUEUE: 'many' }, 'SETTING_INVALID'],
])('%j is refused', async (env, reason) => {
  await expect(findSettings(env, undefined)).rejects.toMatchObject({ reason });
});
