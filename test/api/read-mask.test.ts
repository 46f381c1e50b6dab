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
