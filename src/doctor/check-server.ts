/** Servers that run already: that of the data folder, the one behind the health port, and the API processes of a worker. */
import { messageOf } from '../base/message-of.ts';
import { type Marker, readMarker } from '../cli/local-server.ts';
import { isAlive } from '../storage/is-alive.ts';
import { fault, warning, well } from './observe.ts';
import type { Observation, Patient } from './patient.ts';

const PATIENCE_MS = 5_000;

/** None is no fault, but for the API of a worker. */
export async function checkServer({ dataDir, through }: Patient): Promise<readonly Observation[]> {
  const marker = await readMarker(dataDir);
  const seen = await Promise.all([...(marker === undefined ? [] : [askOwn(marker)]), ...through.map((url) => askReady(url))]);
  return seen.length > 0 ? seen : [well('none runs here')];
}

async function askOwn({ pid, url }: Marker): Promise<Observation> {
  if (isAlive(pid)) return askReady(url);
  return warning({
    code: 'SERVER_GONE',
    message: `The server that ran here (process ${pid}) is gone and did not stop by itself.`,
    remedy: 'Start it again: what was finished is kept, and its jobs go on.',
    details: { pid, url },
  });
}

async function askReady(url: string): Promise<Observation> {
  const details = { url };
  try {
    const reply = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const text = await reply.text();
    if (reply.ok) return well(`${url} is ready`, details);
    const message = `${url} is not ready: ${reply.status} ${text.slice(0, 500)}`;
    return fault({
      code: 'SERVER_NOT_READY',
      message,
      remedy: 'See what it says of its database and storage above, and in its log.',
      details,
    });
  } catch (cause) {
    const message = `${url} does not answer: ${messageOf(cause)}.`;
    return fault({ code: 'SERVER_SILENT', message, remedy: 'Look into its log, and start it again.', details });
  }
}
