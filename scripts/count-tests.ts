/**
 * Adds up vitest's JSON reports, prints `N passed, N failed` on a line of its own, and fails if anything failed or a report is missing.
 *
 *   node scripts/count-tests.ts REPORT…
 */
import { readFileSync } from 'node:fs';

/** What we read of a report. A file that could not even be loaded has failed without a test of its own. */
export interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

/** Tests that passed and failed in all reports together. */
export function countTests(reports: readonly Report[]): { readonly passed: number; readonly failed: number } {
  const sum = (of: (report: Report) => number) => reports.reduce((total, report) => total + of(report), 0);
  const unloaded = ({ testResults }: Report) =>
    testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
  return {
    passed: sum(({ numPassedTests }) => numPassedTests),
    failed: sum((report) => report.numFailedTests + unloaded(report)),
  };
}

if (import.meta.main) {
  const reports = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, 'utf8')) as Report);
  const { passed, failed } = countTests(reports);
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}
