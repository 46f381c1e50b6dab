/** One request and its answer, whole or as it comes, over one connection and under its own clocks. */
import type { Dispatcher } from 'undici';
import type { Connection, Connections } from './connections.ts';
import type { EngineReply, EngineSilence, EngineStream } from './engine.ts';
import { EventFlow } from './event-flow.ts';
import { dataOf, EventSplitter } from './event-splitter.ts';
import { offAbort, onAbort } from './on-abort.ts';
import { toSilence } from './to-silence.ts';

/** How long each phase of a request may take. */
export interface Clocks {
  readonly connectMs: number;
  /** From the request's leaving to the first byte of its answer: queueing, prompt and, without streaming, the whole generation. A stream's first byte is its first event's. */
  readonly firstByteMs: number;
  /** Between two pieces of an answer; and how long an answer waits for a reader who has stopped. */
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
  /** Of a whole answer, and of one event of a stream. */
  readonly maxBodyBytes: number;
  /** Said in messages: which engine this is. */
  readonly name: string;
}

/** A connection that the engine closed while it was idle fails at once; what is lost later died of something else. */
const STALE_WITHIN_MS = 1_000;

/** Sends one request and collects its answer. Never rejects. */
export const exchange = (outgoing: Outgoing, signal: AbortSignal, options: ExchangeOptions): Promise<EngineReply> =>
  new Promise((resolve) => new Exchange(outgoing, options, { settle: resolve }).begin(signal));

/** Sends one request and hands a good answer over with its first event, if it comes in events. Never rejects. */
export const exchangeStream = (
  outgoing: Outgoing,
  signal: AbortSignal,
  options: ExchangeOptions,
): Promise<EngineReply | EngineStream> =>
  new Promise((resolve) => new Exchange(outgoing, options, { settle: resolve, stream: resolve }).begin(signal));

/** Who wants the answer; without `stream` it is collected whatever it is. */
interface Receiver {
  readonly settle: (reply: EngineReply) => void;
  readonly stream?: (stream: EngineStream) => void;
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #outgoing: Outgoing;
  readonly #options: ExchangeOptions;
  readonly #receiver: Receiver;
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
  /** Set where the answer comes in events. */
  #events: EventSplitter | undefined;
  /** Set once the first of them was handed over. */
  #flow: EventFlow | undefined;

  constructor(outgoing: Outgoing, options: ExchangeOptions, receiver: Receiver) {
    this.#outgoing = outgoing;
    this.#options = options;
    this.#receiver = receiver;
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
    this.#reused = (this.#connection?.answers ?? 0) > 0;
    this.#sentAt = performance.now();
    this.#startClock('first-byte-timeout');
  }

  onResponseStarted(): void {
    this.#answering = true;
    this.#startClock('idle-timeout');
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: object): void {
    this.#phaseClock?.refresh();
    this.#status = status;
    this.#headers = toFlat(headers);
    if (this.#receiver.stream === undefined || status >= 300 || !isEventStream(this.#headers)) return;
    this.#events = new EventSplitter();
    // Engines send a stream's head before they look at the prompt.
    this.#startClock('first-byte-timeout');
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#events === undefined) this.#collect(piece);
    else this.#pass(this.#events, piece, controller);
  }

  #collect(piece: Buffer): void {
    this.#phaseClock?.refresh();
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.#checkSize(this.#bytes);
  }

  #pass(events: EventSplitter, piece: Buffer, controller: Dispatcher.DispatchController): void {
    if (this.#flow !== undefined) this.#phaseClock?.refresh();
    for (const event of events.push(piece)) this.#takeEvent(event, controller);
    this.#checkSize(events.heldBytes);
    if (this.#settled || this.#flow?.isFull !== true) return;
    // From here on the silence is the reader's, who keeps a place that others wait for.
    clearTimeout(this.#phaseClock);
    this.#phaseClock = setTimeout(() => this.#leaveReader(), this.#options.clocks.idleMs);
    controller.pause();
  }

  #checkSize(bytes: number): void {
    const { maxBodyBytes, name } = this.#options;
    if (bytes <= maxBodyBytes) return;
    this.#fail({ kind: 'silence', cause: 'too-large', message: `${name} sent an answer of more than ${maxBodyBytes} bytes.` });
  }

  #takeEvent(event: Buffer, controller: Dispatcher.DispatchController): void {
    if (this.#flow === undefined) this.#takeFirstEvent(event, controller);
    else if (!this.#settled) this.#flow.push(event);
  }

  /** Until an event has data the answer has not begun; one that is an error is a refusal, which could not have had a status. */
  #takeFirstEvent(event: Buffer, controller: Dispatcher.DispatchController): void {
    const data = dataOf(event);
    if (data === undefined || this.#settled) return;
    if (ERROR_DATA.test(data)) {
      this.#settle({ kind: 'answer', status: this.#status, headers: this.#headers, body: Buffer.from(data) });
      this.#dropConnection();
      return;
    }
    this.#startClock('idle-timeout');
    this.#flow = this.#openFlow(controller);
    this.#flow.push(event);
    const { ended } = this.#flow;
    this.#receiver.stream?.({
      kind: 'stream',
      status: this.#status,
      headers: this.#headers,
      events: this.#flow.read(),
      ended,
    });
  }

  #openFlow(controller: Dispatcher.DispatchController): EventFlow {
    const onDrained = (): void => {
      this.#startClock('idle-timeout');
      controller.resume();
    };
    return new EventFlow({ onDrained, onLeft: this.#onAbort });
  }

  onResponseEnd(): void {
    if (this.#settled || this.#connection === undefined) return;
    const last = this.#events?.end();
    if (last !== undefined) this.#flow?.push(last);
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
    this.#dropConnection();
    this.#options.connections.useFresh(this.#send);
  }

  #startClock(cause: 'first-byte-timeout' | 'idle-timeout'): void {
    const { firstByteMs, idleMs } = this.#options.clocks;
    const limitMs = cause === 'idle-timeout' ? idleMs : firstByteMs;
    clearTimeout(this.#phaseClock);
    this.#phaseClock = setTimeout(() => this.#timeOut(cause, limitMs), limitMs);
  }

  #timeOut(cause: EngineSilence['cause'], limitMs: number): void {
    const what = this.#answering ? 'went silent in the middle of its answer' : 'did not answer';
    const rule = cause === 'total-timeout' ? 'the limit for a whole request' : 'the limit for silence';
    this.#fail({ kind: 'silence', cause, message: `${this.#options.name} ${what} (${limitMs / 1000} s, ${rule}).` });
  }

  /** Not the engine's fault: it learns nothing from it. */
  #leaveReader(): void {
    const message = `The answer was given up: nobody read on for ${this.#options.clocks.idleMs / 1000} s.`;
    this.#fail({ kind: 'silence', cause: 'aborted', message });
  }

  #fail(silence: EngineSilence): void {
    if (this.#settled) return;
    this.#settle(silence);
    this.#dropConnection();
  }

  #dropConnection(): void {
    if (this.#connection !== undefined) this.#options.connections.drop(this.#connection);
  }

  #settle(reply: EngineReply): void {
    this.#settled = true;
    clearTimeout(this.#totalClock);
    clearTimeout(this.#phaseClock);
    if (this.#signal !== undefined) offAbort(this.#signal, this.#onAbort);
    this.#pieces = [];
    if (this.#flow === undefined) this.#receiver.settle(reply);
    else this.#flow.end(reply.kind === 'silence' ? reply : undefined);
  }

  #toSilence(error: Error): EngineSilence {
    const { name, clocks } = this.#options;
    const phase = this.#sentAt === undefined ? 'connecting' : this.#answering ? 'answering' : 'waiting';
    return toSilence(error, { name, connectMs: clocks.connectMs, phase });
  }
}

/** The beginning of an event's data that is no answer. */
const ERROR_DATA = /^\s*\{\s*"error"\s*:\s*[{"]/;

const isEventStream = (headers: Readonly<Record<string, string>>): boolean =>
  headers['content-type']?.startsWith('text/event-stream') === true;

/** One string a name; undici gives an array where a header came several times. */
function toFlat(headers: object): Readonly<Record<string, string>> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) flat[name] = Array.isArray(value) ? value.join(', ') : String(value);
  return flat;
}
