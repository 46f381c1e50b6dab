/** The open connections to one engine: a stack of idle ones, so that a warm one is found at once however many there are. */
import { buildConnector, Client } from 'undici';

/** One keep-alive connection; it carries one request at a time. */
export interface Connection {
  readonly client: Client;
  /** Answers since it was last opened: 0 means that the next request is its first. */
  answers: number;
}

export interface ConnectionsOptions {
  readonly origin: string;
  readonly connectMs: number;
  readonly max: number;
  /** Connects only where this allows; default everywhere. */
  readonly connect?: Client.Options['connect'];
}

/** Engines close idle connections after about five seconds (uvicorn's default); ours go first. */
const KEEP_ALIVE_MS = 4_000;

export class Connections {
  readonly #origin: string;
  readonly #max: number;
  readonly #options: Client.Options;
  readonly #all = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #waiting: ((connection: Connection) => void)[] = [];
  #closed = false;

  constructor({ origin, connectMs, max, connect }: ConnectionsOptions) {
    this.#origin = origin;
    this.#max = max;
    this.#options = {
      connect: connect ?? buildConnector({ timeout: connectMs, allowH2: false }),
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      // Long generations are silent for minutes: the clocks of an exchange decide, not undici's.
      headersTimeout: 0,
      bodyTimeout: 0,
      pipelining: 1,
    };
  }

  /** Calls `start` with a connection: an idle one, a new one, or, when all are in use, the next that becomes free. */
  use(start: (connection: Connection) => void): void {
    const idle = this.#idle.pop();
    if (idle !== undefined) start(idle);
    else if (this.#all.size < this.#max) start(this.#open());
    else this.#waiting.push(start);
  }

  /** Calls `start` with a connection that has never been used. */
  useFresh(start: (connection: Connection) => void): void {
    start(this.#open());
  }

  /** Takes a connection back that is fit for the next request. */
  giveBack(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(connection);
    else next(connection);
  }

  /** Closes a connection whose state is unknown; whoever waits gets a new one in its place. */
  drop(connection: Connection): void {
    if (!this.#all.delete(connection)) return;
    connection.client.destroy().catch(() => undefined);
    const next = this.#waiting.shift();
    if (next !== undefined) next(this.#open());
  }

  /** Closes every connection at once: what is in flight is cut off, and what comes later can't connect. */
  async close(): Promise<void> {
    this.#closed = true;
    const clients = Array.from(this.#all, ({ client }) => client);
    this.#all.clear();
    this.#idle.length = 0;
    for (const start of this.#waiting.splice(0)) start(this.#open());
    await Promise.all(clients.map((client) => client.destroy()));
  }

  #open(): Connection {
    const connection: Connection = { client: new Client(this.#origin, this.#options), answers: 0 };
    // A client whose socket the engine closed connects again by itself.
    connection.client.on('connect', () => {
      connection.answers = 0;
    });
    if (this.#closed) connection.client.destroy().catch(() => undefined);
    else this.#all.add(connection);
    return connection;
  }
}
