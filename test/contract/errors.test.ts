import { expect, test } from 'vitest';
import { httpStatusOf, numberOf, STATUS_CODES } from '../../src/contract/errors.ts';
import { meaningOf, toWireJobState, WIRE_JOB_STATES } from '../../src/contract/job-state.ts';
import { JOB_STATES } from '../../src/jobs/states.ts';

test('codes carry the numbers of google.rpc', () => {
  expect(STATUS_CODES.map(numberOf)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
});

test('codes travel under the documented HTTP statuses', () => {
  expect(STATUS_CODES.map(httpStatusOf)).toEqual([
    200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
  ]);
});

test('there are twenty job states, each with a meaning, and both ways to write one name it', () => {
  expect(WIRE_JOB_STATES).toHaveLength(20);
  expect(new Set(WIRE_JOB_STATES.map(meaningOf)).size).toBe(20);
  expect(toWireJobState('RUNNING')).toBe('JOB_STATE_RUNNING');
  expect(toWireJobState('JOB_STATE_RUNNING')).toBe('JOB_STATE_RUNNING');
  expect(toWireJobState('WALKING')).toBeUndefined();
});

test('every state that a job can really be in exists on the wire', () => {
  expect(JOB_STATES.filter((state) => toWireJobState(state) === undefined)).toEqual([]);
});
