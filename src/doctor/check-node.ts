import { warning, well } from './observe.ts';
import type { Observation } from './patient.ts';

/** What the tests run on, and what is supported for longest. */
const BEST_MAJOR = 24;

/** `bin/boatload.js` refuses a Node that is too old for the program. */
export async function checkNode(): Promise<readonly Observation[]> {
  const { node } = process.versions;
  const facts = { node, platform: process.platform, arch: process.arch, path: process.execPath };
  const message = `Node ${node} on ${process.platform} ${process.arch}`;
  if (Number.parseInt(node, 10) >= BEST_MAJOR) return [well(message, facts)];
  const remedy = `Install Node ${BEST_MAJOR} from https://nodejs.org when you can.`;
  return [
    warning({ code: 'NODE_OLD', message: `${message} works, but is not what Boatload is tested on.`, remedy, details: facts }),
  ];
}
