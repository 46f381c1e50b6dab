import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readLimits } from '../../src/read-limits.ts';
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
