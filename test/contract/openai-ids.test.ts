import { expect, test } from 'vitest';
import { parseBatchId, parseFileId, toBatchId, toFileId } from '../../src/contract/openai/ids.ts';

test('an id says which dataset or job is meant, and reads back', () => {
  expect([toFileId('in-01'), toFileId('out-01', 'errors'), toBatchId('nightly')]).toEqual([
    'file-in-01',
    'file-out-01.errors',
    'batch_nightly',
  ]);
  expect(parseFileId('file-in-01')).toEqual({ datasetId: 'in-01', part: 'whole' });
  expect(parseFileId('file-out-01.errors')).toEqual({ datasetId: 'out-01', part: 'errors' });
  expect(parseFileId('file-errors')).toEqual({ datasetId: 'errors', part: 'whole' });
  expect(parseBatchId('batch_nightly')).toBe('nightly');
});

test('nothing else is an id', () => {
  const files = [
    'in-01',
    'file-',
    'file_in',
    'file-.errors',
    'file-a.errors.errors',
    'file-A',
    'file-a/b',
    'FILE-a',
    'file-a ',
    '',
  ];
  expect(files.map(parseFileId)).toEqual(files.map(() => undefined));
  const batches = ['nightly', 'batch_', 'batch-a', 'batch_A', 'batch_a.errors', 'batch_a/../b', ''];
  expect(batches.map(parseBatchId)).toEqual(batches.map(() => undefined));
});
