import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyMask } from '../../src/api/read-mask.ts';

const job = { name: 'n', jobProgress: { percent: 5, outputRows: 2 }, status: { code: 'OK', message: '' } };

test.each([
  [undefined, job],
  ['', job],
  ['*', job],
  ['name', { name: 'n' }],
  ['name, jobProgress.percent', { name: 'n', jobProgress: { percent: 5 } }],
  ['job_progress', { jobProgress: job.jobProgress }],
  ['jobProgress,jobProgress.percent', { jobProgress: job.jobProgress }],
  ['nothing', {}],
  ['jobProgress.*', { jobProgress: job.jobProgress }],
  ['jobProgress.*,name', { jobProgress: job.jobProgress, name: 'n' }],
  ['__proto__,constructor.name', {}],
  ['name.first', { name: 'n' }],
  ['*,name', job],
])('the mask %s keeps what it names', (mask, kept) => {
  expect(applyMask(job, mask)).toEqual(kept);
});

test('a mask only ever leaves out: what it keeps is as it was', () => {
  const field = fc.constantFrom('a', 'b', 'list', '*', '__proto__', 'a_b', '');
  const mask = fc
    .array(
      fc.array(field, { minLength: 1, maxLength: 3 }).map((path) => path.join('.')),
      { maxLength: 4 },
    )
    .map((paths) => paths.join(','));
  const resource = { a: { b: { a: 1 }, list: [1, 2] }, b: null, list: [{ a: 1, b: 2 }, { b: 3 }], aB: 'x' };
  fc.assert(
    fc.property(fc.oneof(mask, fc.string()), (text) => {
      expect(resource).toMatchObject(applyMask(resource, text));
    }),
  );
});
