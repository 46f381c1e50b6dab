import { fault, warning, well } from './observe.ts';
import type { Observation } from './patient.ts';

/** An embedded database, journals, and a connection for each of a thousand rows in flight. */
const ENOUGH = 4_096;
const TOO_FEW = 256;

/** How many files and connections a process may have open. */
export async function checkOpenFiles(): Promise<readonly Observation[]> {
  const limit = readLimit();
  return limit === undefined ? [] : [judgeOpenFiles(limit)];
}

/** Apart from the measuring, so that it can be tried. */
export function judgeOpenFiles(limit: number): Observation {
  const details = { limit };
  const message = Number.isFinite(limit) ? `${limit} files may be open at once` : 'as many files may be open as one likes';
  if (limit >= ENOUGH) return well(message, details);
  const remedy = `Raise it: ulimit -n ${ENOUGH}, LimitNOFILE=${ENOUGH} in a systemd unit, --ulimit nofile=${ENOUGH} for a container.`;
  return (limit < TOO_FEW ? fault : warning)({ code: 'OPEN_FILES_LOW', message: `Only ${message}.`, remedy, details });
}

interface Report {
  readonly userLimits?: { readonly open_files?: { readonly soft: number | 'unlimited' } };
}

/** As it is documented; the types lack it. */
interface Reporter {
  excludeNetwork: boolean;
  getReport(): Report;
}

/** Node tells it in its diagnostic report alone; undefined on Windows, which has no such limit. */
function readLimit(): number | undefined {
  const reporter = process.report as unknown as Reporter;
  const before = reporter.excludeNetwork;
  // Otherwise it looks up a name for every connection.
  reporter.excludeNetwork = true;
  const soft = reporter.getReport().userLimits?.open_files?.soft;
  reporter.excludeNetwork = before;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : soft;
}
