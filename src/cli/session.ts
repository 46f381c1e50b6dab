/** A command's way to the server. */
import { Problem } from '../base/problem.ts';
import { type Client, makeClient } from '../client/client.ts';
import { type Connection, type ConnectionFlags, findConnection } from './connection.ts';
import type { Host } from './host.ts';

export interface Session {
  readonly client: Client;
  readonly connection: Connection;
}

/** A person waits: a server that isn't there should be said soon. */
const RETRIES = 3;

/** Does something with the server; a key that it refuses is explained. */
export async function withSession<T>(host: Host, flags: ConnectionFlags, use: (session: Session) => Promise<T>): Promise<T> {
  const connection = await findConnection(flags, host);
  try {
    return await use({ client: makeClient({ ...connection, retries: RETRIES }), connection });
  } catch (error) {
    if (!(error instanceof Problem) || error.reason !== 'KEY_REFUSED') throw error;
    const { baseUrl, keyFrom } = connection;
    throw new Problem('UNAUTHENTICATED', `${baseUrl} refused the API key from ${keyFrom}. Give another one.`, {
      reason: 'KEY_REFUSED',
      cause: error,
    });
  }
}
