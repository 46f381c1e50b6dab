/** Runs all checks side by side; each has an end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Problem } from '../base/problem.ts';
import type { Finding } from '../cli/doors.ts';
import { MACHINE_CHECKS, PATIENT_CHECKS } from './checks.ts';
import { fault, toFault } from './observe.ts';
import type { Check, Observation, Patient } from './patient.ts';

const PATIENCE_MS = 30_000;

/** What is found, in the order of the table. Settings that can't be read tell nothing of places: then the machine alone is looked at. */
export async function lookAtAll(patient: Patient | { readonly refusal: Problem }): Promise<readonly Finding[]> {
  const ofPatient = 'refusal' in patient ? [named('settings', [toFault(patient.refusal)])] : runAll(PATIENT_CHECKS, patient);
  return (await Promise.all([...runAll(MACHINE_CHECKS, undefined), ...ofPatient])).flat();
}

const runAll = <Subject>(
  checks: Readonly<Record<string, Check<Subject>>>,
  subject: Subject,
): readonly Promise<readonly Finding[]>[] =>
  Object.entries(checks).map(async ([name, check]) => named(name, await runOne(check, subject)));

const named = (check: string, observations: readonly Observation[]): readonly Finding[] =>
  observations.map((observation) => ({ check, ...observation }));

async function runOne<Subject>(check: Check<Subject>, subject: Subject): Promise<readonly Observation[]> {
  const impatience = new AbortController();
  const tooLong = delay(PATIENCE_MS, [OUT_OF_TIME], { signal: impatience.signal });
  try {
    return await Promise.race([check(subject), tooLong]);
  } catch (cause) {
    return [toFault(cause)];
  } finally {
    tooLong.catch(() => undefined);
    impatience.abort();
  }
}

const OUT_OF_TIME = fault({
  code: 'CHECK_TIMED_OUT',
  message: `It gave no answer within ${PATIENCE_MS / 1000} s.`,
  remedy: 'Look at the network between this machine and what is asked, and at how busy both are.',
});
