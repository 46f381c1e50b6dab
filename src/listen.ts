/** The server's door: a port that is listened on, and let go of. */
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { Problem } from './base/problem.ts';

const PORT = 8080;
/** Without a wish, the next free port among so many. */
const PORTS_TRIED = 20;
const HEADERS_MS = 60_000;

interface ListenOptions {
  readonly fetch: Parameters<typeof serve>[0]['fetch'];
  readonly host: string;
  readonly port: number;
  /** How long a request's head may take; a minute when absent. */
  readonly headersMs?: number;
}

/** Without a port: 8080, or the next that is free. */
type ListenWish = Omit<ListenOptions, 'port'> & { readonly port: number | undefined };

/** Listens, and answers where. */
export async function listen({ port, ...wish }: ListenWish): Promise<{ readonly server: Server; readonly port: number }> {
  const first = port ?? PORT;
  for (let tried = first; ; tried++) {
    try {
      return await listenOn({ ...wish, port: tried });
    } catch (cause) {
      const isTaken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
      if (isTaken && port === undefined && tried < first + PORTS_TRIED) continue;
      throw new Problem(
        'FAILED_PRECONDITION',
        `Can't listen on ${wish.host}:${tried}${isTaken ? ', which is taken' : ''}. Choose another one: --port …`,
        {
          reason: isTaken ? 'PORT_TAKEN' : 'CANNOT_LISTEN',
          cause,
        },
      );
    }
  }
}

const listenOn = ({
  fetch,
  host,
  port,
  headersMs = HEADERS_MS,
}: ListenOptions): Promise<{ readonly server: Server; readonly port: number }> =>
  new Promise((resolve, reject) => {
    // Uploads and downloads may take as long as they take: the API itself limits what it reads. Nobody has shown a key before the head has come, and
    // without a limit for the whole request Node has none for the head either.
    const serverOptions = { requestTimeout: 0, headersTimeout: headersMs, connectionsCheckingInterval: headersMs / 2 };
    const server = serve({ fetch, hostname: host, port, serverOptions }, (info) =>
      resolve({ server, port: info.port }),
    ) as Server;
    server.once('error', reject);
  });

/** Lets answers that are under way finish for a moment. */
export async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const impatience = setTimeout(() => server.closeAllConnections(), 2_000);
  await closed;
  clearTimeout(impatience);
}
