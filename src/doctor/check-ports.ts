import { createServer } from 'node:net';
import { messageOf } from '../base/message-of.ts';
import { isErrno } from '../storage/errno.ts';
import { fault, warning, well } from './observe.ts';
import type { Observation, Patient } from './patient.ts';

const DEFAULT_PORT = 8080;
const PATIENCE_MS = 3_000;

/** Whether the ports can be listened on; a Boatload that has one already is no fault. */
export async function checkPorts({ host, port, healthPort }: Patient): Promise<readonly Observation[]> {
  const wanted = [
    { host, port: port ?? DEFAULT_PORT, isAsked: port !== undefined },
    ...(healthPort === undefined ? [] : [{ host, port: healthPort, isAsked: true }]),
  ];
  return Promise.all(wanted.filter(({ port: number }) => number !== 0).map(checkPort));
}

interface Wanted {
  readonly host: string;
  readonly port: number;
  /** Where nobody asked for it, the next is taken. */
  readonly isAsked: boolean;
}

async function checkPort({ host, port, isAsked }: Wanted): Promise<Observation> {
  const details = { host, port };
  const trouble = await tryPort(host, port);
  if (trouble === undefined) return well(`port ${port} of ${host} is free`, details);
  if (!isErrno(trouble, 'EADDRINUSE'))
    return fault({
      code: 'CANNOT_LISTEN',
      message: `It can't be listened on ${host}:${port}: ${messageOf(trouble)}.`,
      remedy: 'Choose a port above 1023 and an address of this machine: --port … --host …',
      details,
    });
  const version = await askVersion(host, port);
  if (version !== undefined) return well(`port ${port} of ${host}: Boatload ${version} answers there`, { ...details, version });
  return isAsked
    ? fault({
        code: 'PORT_TAKEN',
        message: `Another program has port ${port} of ${host}.`,
        remedy: 'Stop it, or choose another port.',
        details,
      })
    : warning({
        code: 'PORT_TAKEN',
        message: `Another program has port ${port} of ${host}; the server takes the next that is free.`,
        remedy: 'Where clients should find it always at the same: --port …',
        details,
      });
}

/** Listens for a moment; answers what was in the way. */
function tryPort(host: string, port: number): Promise<unknown> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

async function askVersion(host: string, port: number): Promise<string | undefined> {
  const name = EVERYWHERE.has(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  try {
    const reply = await fetch(`http://${name}:${port}/version`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const { version, node } = (await reply.json()) as { readonly version?: unknown; readonly node?: unknown };
    return typeof version === 'string' && typeof node === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}
