import { expect, test } from 'vitest';
import { countTests } from '../../scripts/count-tests.ts';

const passed = { status: 'passed', assertionResults: [{}] };

test('passed and failed tests of all reports are added up', () => {
  const first = { numPassedTests: 3, numFailedTests: 1, testResults: [passed, { status: 'failed', assertionResults: [{}] }] };
  const second = { numPassedTests: 4, numFailedTests: 0, testResults: [passed] };
  expect(countTests([first, second])).toEqual({ passed: 7, failed: 1 });
});

test('a file that could not be loaded counts as one failure', () => {
  const report = { numPassedTests: 3, numFailedTests: 0, testResults: [passed, { status: 'failed', assertionResults: [] }] };
  expect(countTests([report])).toEqual({ passed: 3, failed: 1 });
});
