/**
 * Adds up vitest's JSON reports: says what failed and why, prints `N passed, N failed` on a line of its own, and fails if anything failed or a report is
 * missing. The runner tells failures where they happen; of a long log only the end may be kept.
 *
 *   node scripts/count-tests.ts REPORT…
 */
import { readFileSync } from 'node:fs';

/** What we read of a report. A file that could not even be loaded has failed without a test of its own. */
export interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly status: string;
    /** The file. */
    readonly name: string;
    /** Why it could not be loaded. */
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

const isUnloaded = ({ status, assertionResults }: Report['testResults'][number]): boolean =>
  status === 'failed' && assertionResults.length === 0;

/** Tests that passed and failed in all reports together. */
export function countTests(reports: readonly Report[]): { readonly passed: number; readonly failed: number } {
  const sum = (of: (report: Report) => number) => reports.reduce((total, report) => total + of(report), 0);
  return {
    passed: sum(({ numPassedTests }) => numPassedTests),
    failed: sum((report) => report.numFailedTests + report.testResults.filter(isUnloaded).length),
  };
}

const LONGEST_REASON = 600;

/** Each failure with its file, its name and the beginning of its reason. */
export function tellFailures(reports: readonly Report[]): readonly string[] {
  return reports
    .flatMap(({ testResults }) => testResults)
    .flatMap((file) => {
      if (isUnloaded(file)) return [`FAILED ${file.name}\n  ${(file.message ?? '').slice(0, LONGEST_REASON)}`];
      return file.assertionResults
        .filter(({ status }) => status === 'failed')
        .map(
          ({ fullName, failureMessages = [] }) =>
            `FAILED ${file.name}: ${fullName}\n  ${failureMessages.join('\n').slice(0, LONGEST_REASON)}`,
        );
    });
}

if (import.meta.main) {
  const reports = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, 'utf8')) as Report);
  const { passed, failed } = countTests(reports);
  for (const failure of tellFailures(reports)) console.log(failure);
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}
