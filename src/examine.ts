/** `boatload doctor`: what `up`, `serve` or `worker` would find here, before they are started or beside them. */
import { Problem } from './base/problem.ts';
import type { Finding, UpRequest } from './cli/doors.ts';
import { lookAtAll } from './doctor/look.ts';
import { findStart } from './start-settings.ts';

/** Changes nothing. */
export async function examine(request: UpRequest): Promise<readonly Finding[]> {
  const patient = await findStart(request).catch((refusal: unknown) => {
    if (refusal instanceof Problem) return { refusal };
    throw refusal;
  });
  return lookAtAll(patient);
}
