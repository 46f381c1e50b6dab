import { expect, test } from 'vitest';
import { countTests, tellFailures } from '../../scripts/count-tests.ts';

const passed = { name: 'a.test.ts', status: 'passed', assertionResults: [{ status: 'passed', fullName: 'adds' }] };
const failed = {
  name: 'b.test.ts',
  status: 'failed',
  assertionResults: [
    { status: 'passed', fullName: 'takes away' },
    { status: 'failed', fullName: 'divides', failureMessages: ['expected 2 to be 3'] },
  ],
};
const unloaded = { name: 'c.test.ts', status: 'failed', message: 'Cannot find module', assertionResults: [] };

test('passed and failed tests of all reports are added up', () => {
  const first = { numPassedTests: 3, numFailedTests: 1, testResults: [passed, failed] };
  const second = { numPassedTests: 4, numFailedTests: 0, testResults: [passed] };
  expect(countTests([first, second])).toEqual({ passed: 7, failed: 1 });
  expect(tellFailures([first, second])).toEqual(['FAILED b.test.ts: divides\n  expected 2 to be 3']);
});

test('a file that could not be loaded counts as one failure', () => {
  const report = { numPassedTests: 3, numFailedTests: 0, testResults: [passed, unloaded] };
  expect(countTests([report])).toEqual({ passed: 3, failed: 1 });
  expect(tellFailures([report])).toEqual(['FAILED c.test.ts\n  Cannot find module']);
});
