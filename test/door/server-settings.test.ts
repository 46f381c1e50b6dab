import { globSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/actions/context.ts';
import { readLimits, readWorkerLimits } from '../../src/read-limits.ts';
import { readPrices } from '../../src/read-prices.ts';
import { makeFolder } from '../support/folder.ts';

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

test('docs/server.md has every setting, and the defaults that hold', () => {
  const page = readFileSync('docs/server.md', 'utf8');
  const used = globSync('src/**/*.ts').flatMap((path) => readFileSync(path, 'utf8').match(/BOATLOAD_[A-Z_]+\b/g) ?? []);
  expect(new Set(used).size).toBeGreaterThan(15);
  expect(used.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  const shown = Array.from(
    page.matchAll(/^\| `(BOATLOAD_\w+)` \|.* \| ([\d,]+) \| (?:bytes|seconds|jobs) \|$/gm),
    ([, name = '', value = '']) => [name, value.replaceAll(',', '')],
  );
  const { datasetBytes, window, quotas } = DEFAULT_LIMITS;
  expect(readLimits(Object.fromEntries(shown))).toEqual({ datasetBytes, window, quotas });
});
