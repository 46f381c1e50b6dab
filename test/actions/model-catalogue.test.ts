import { expect, test } from 'vitest';
import { MODEL_CATALOGUE } from '../../src/actions/model-catalogue.ts';
import { findSource } from '../../src/actions/model-sources.ts';
import { ModelCatalogue } from '../../src/contract/model.ts';
import { isId } from '../../src/contract/names.ts';

const HUB = 'https://hub.test/';

test('every entry of the catalogue says what the wire promises, under a name of its own', () => {
  const models = MODEL_CATALOGUE.map((entry) => ({ ...entry, files: [...entry.files], state: 'ABSENT' as const }));
  expect(ModelCatalogue.parse({ models }).models.length).toBeGreaterThan(0);
  expect(new Set(MODEL_CATALOGUE.map(({ id }) => id)).size).toBe(MODEL_CATALOGUE.length);
  for (const { id, licence } of MODEL_CATALOGUE) expect([id, isId(id), licence !== '']).toEqual([id, true, true]);
});

test.each(MODEL_CATALOGUE)('each file of $id can be asked for, and the first is the usual one', ({ id, repository, files }) => {
  const usual = findSource(HUB, { source: id });
  expect(usual.files.map(({ name }) => name)).toEqual([files[0]?.name]);
  const all = findSource(HUB, { source: id, precisions: files.map(({ precision }) => precision) });
  expect(all.files.map(({ url }) => url)).toEqual(files.map(({ name }) => `https://hub.test/${repository}/resolve/main/${name}`));
  expect(new Set(files.map(({ precision }) => precision)).size).toBe(files.length);
  for (const { sha256, megabytes } of files)
    expect([sha256 === undefined || /^[0-9a-f]{64}$/.test(sha256), megabytes > 0]).toEqual([true, true]);
});

test('a checksum is of one file, and never left out of account', () => {
  const sha256 = 'a'.repeat(64);
  expect(findSource(HUB, { source: 'qwen3-4b', precisions: ['Q8_0', 'Q8_0'], sha256 }).files).toMatchObject([{ sha256 }]);
  expect(() => findSource(HUB, { source: 'qwen3-4b', precisions: ['Q8_0', 'Q4_K_M'], sha256 })).toThrow('sha256 is of one file');
});

test('an address of the hub has its revision, and a model without a name the name of its file', () => {
  expect(findSource(HUB, { source: 'hf:Acme/My.Model-GGUF/sub/My.Model-1.5B.gguf@v2' })).toEqual({
    ...{ account: undefined, entry: undefined, id: 'my-model-1p5b' },
    files: [
      { name: 'My.Model-1.5B.gguf', url: 'https://hub.test/Acme/My.Model-GGUF/resolve/v2/sub/My.Model-1.5B.gguf', sha256: null },
    ],
  });
});
