/** One request and its answer over one connection, under its own clocks. */
import type { Dispatcher } from 'undici';
import type { Connection, Connections } from './connections.ts';
import type { EngineReply, EngineSilence } from './engine.ts';
import { offAbort, onAbort } from './on-abort.ts';

/** How long each phase of a request may take. */
export interface Clocks {
  readonly connectMs: number;
  /** From the request's leaving to the first byte of its answer: queueing, prompt and, without streaming, the whole generation. */
  readonly firstByteMs: number;
  /** Between two pieces of an answer. */
  readonly idleMs: number;
  /** Everything, waiting for a connection included. */
  readonly totalMs: number;
}

export interface Outgoing {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Buffer | undefined;
}

export interface ExchangeOptions {
  readonly connections: Connections;
  readonly clocks: Clocks;
  readonly maxBodyBytes: number;
  /** Said in messages: which engine this is. */
  readonly name: string;
}

/** A connection that the engine closed while it was idle fails at once; what is lost later died of something else. */
const STALE_WITHIN_MS = 1_000;

/** Sends one request. Never rejects. */
export const exchange = (outgoing: Outgoing, signal: AbortSignal, options: ExchangeOptions): Promise<EngineReply> =>
  new Promise((resolve) => new Exchange(outgoing, options, resolve).begin(signal));

class Exchange implements Dispatcher.DispatchHandler {
  readonly #outgoing: Outgoing;
  readonly #options: ExchangeOptions;
  readonly #resolve: (reply: EngineReply) => void;
  #signal: AbortSignal | undefined;
  #connection: Connection | undefined;
  #totalClock: NodeJS.Timeout | undefined;
  #phaseClock: NodeJS.Timeout | undefined;
  #settled = false;
  #repeated = false;
  #reused = false;
  #sentAt: number | undefined;
  #answering = false;
  #status = 0;
  #headers: Readonly<Record<string, string>> = {};
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(outgoing: Outgoing, options: ExchangeOptions, resolve: (reply: EngineReply) => void) {
    this.#outgoing = outgoing;
    this.#options = options;
    this.#resolve = resolve;
  }

  begin(signal: AbortSignal): void {
    if (signal.aborted) {
      this.#onAbort();
      return;
    }
    this.#signal = signal;
    onAbort(signal, this.#onAbort);
    const { connections, clocks } = this.#options;
    this.#totalClock = setTimeout(() => this.#timeOut('total-timeout', clocks.totalMs), clocks.totalMs);
    connections.use(this.#send);
  }

  readonly #onAbort = (): void => this.#fail({ kind: 'silence', cause: 'aborted', message: 'The request was given up.' });

  readonly #send = (connection: Connection): void => {
    // The time ran out, or nobody wants the answer any more, while this request waited for a connection.
    if (this.#settled) {
      this.#options.connections.giveBack(connection);
      return;
    }
    this.#connection = connection;
    const { method, path, headers, body } = this.#outgoing;
    connection.client.dispatch({ method, path, headers: headers as string[], body: body ?? null }, this);
  };

  onRequestStart(): void {
    const { firstByteMs } = this.#options.clocks;
    this.#reused = (this.#connection?.answers ?? 0) > 0;
    this.#sentAt = performance.now();
    clearTimeout(this.#phaseClock);
    this.#phaseClock = setTimeout(() => this.#timeOut('first-byte-timeout', firstByteMs), firstByteMs);
  }

  onResponseStarted(): void {
    const { idleMs } = this.#options.clocks;
    this.#answering = true;
    clearTimeout(this.#phaseClock);
    this.#phaseClock = setTimeout(() => this.#timeOut('idle-timeout', idleMs), idleMs);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: object): void {
    this.#phaseClock?.refresh();
    this.#status = status;
    this.#headers = toFlat(headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#phaseClock?.refresh();
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    const { maxBodyBytes, name } = this.#options;
    if (this.#bytes <= maxBodyBytes) return;
    this.#fail({ kind: 'silence', cause: 'too-large', message: `${name} sent an answer of more than ${maxBodyBytes} bytes.` });
  }

  onResponseEnd(): void {
    if (this.#settled || this.#connection === undefined) return;
    const [first, ...others] = this.#pieces;
    const body = first !== undefined && others.length === 0 ? first : Buffer.concat(this.#pieces, this.#bytes);
    this.#settle({ kind: 'answer', status: this.#status, headers: this.#headers, body });
    this.#connection.answers += 1;
    this.#options.connections.giveBack(this.#connection);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#settled) return;
    if (this.#isStale()) this.#repeat();
    else this.#fail(this.#toSilence(error));
  }

  /** True when the engine had closed this connection before the request reached it, so that it can't have been worked on. */
  #isStale(): boolean {
    if (this.#repeated || this.#answering || !this.#reused || this.#sentAt === undefined) return false;
    return performance.now() - this.#sentAt < STALE_WITHIN_MS;
  }

  #repeat(): void {
    this.#repeated = true;
    clearTimeout(this.#phaseClock);
    this.#sentAt = undefined;
    if (this.#connection !== undefined) this.#options.connections.drop(this.#connection);
    this.#options.connections.useFresh(this.#send);
  }

  #timeOut(cause: EngineSilence['cause'], limitMs: number): void {
    const what = this.#answering ? 'went silent in the middle of its answer' : 'did not answer';
    const rule = cause === 'total-timeout' ? 'the limit for a whole request' : 'the limit for silence';
    this.#fail({ kind: 'silence', cause, message: `${this.#options.name} ${what} (${limitMs / 1000} s, ${rule}).` });
  }

  #fail(silence: EngineSilence): void {
    if (this.#settled) return;
    this.#settle(silence);
    if (this.#connection !== undefined) this.#options.connections.drop(this.#connection);
  }

  #settle(reply: EngineReply): void {
    this.#settled = true;
    clearTimeout(this.#totalClock);
    clearTimeout(this.#phaseClock);
    if (this.#signal !== undefined) offAbort(this.#signal, this.#onAbort);
    this.#pieces = [];
    this.#resolve(reply);
  }

  #toSilence(error: Error): EngineSilence {
    const { name, clocks } = this.#options;
    const code = 'code' in error ? String(error.code) : '';
    if (code === 'UND_ERR_CONNECT_TIMEOUT') {
      const message = `${name} could not be reached within ${clocks.connectMs / 1000} s.`;
      return { kind: 'silence', cause: 'connect-timeout', message };
    }
    if (this.#sentAt === undefined) {
      return { kind: 'silence', cause: 'connection', message: `${name} could not be reached: ${toWords(code, error)}.` };
    }
    const when = this.#answering ? 'in the middle of its answer' : 'before it answered';
    return { kind: 'silence', cause: 'cut-off', message: `${name} closed the connection ${when}: ${toWords(code, error)}.` };
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  UND_ERR_SOCKET: 'the other side closed the connection',
  UND_ERR_DESTROYED: 'it was closed on our side',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; let NODE_EXTRA_CA_CERTS name a file that holds it',
};

const toWords = (code: string, error: Error): string => WORDS[code] ?? (error.message.replace(/\.$/, '') || code || error.name);

/** One string a name; undici gives an array where a header came several times. */
function toFlat(headers: object): Readonly<Record<string, string>> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) flat[name] = Array.isArray(value) ? value.join(', ') : String(value);
  return flat;
}
