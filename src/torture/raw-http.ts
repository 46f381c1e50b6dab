/** HTTP by hand: as little of it as an engine's clients need, so that it is fast, and so that it can be spoken wrongly. */
import { createServer, type Server, type Socket } from 'node:net';

/** A request, whole. */
export interface RawRequest {
  readonly path: string;
  readonly body: string;
}

/** One connection; its requests come one after the other, each when the last one was answered. */
export interface Conversation {
  readonly socket: Socket;
  /** Sends bytes, and says whether all were handed over; then the next request comes. */
  answer(bytes: Buffer | string, onOut: (isOut: boolean) => void): void;
  /** Called when the connection ends before an answer. */
  onGone: (() => void) | undefined;
}

type OnRequest = (request: RawRequest, conversation: Conversation) => void;

/** Serves requests that say their length. */
export const serveRaw = (onRequest: OnRequest): Server =>
  createServer({ noDelay: true }, (socket) => {
    new RawConversation(socket, onRequest).begin();
  });

const NOTHING = Buffer.alloc(0);
const HEAD_END = '\r\n\r\n';

class RawConversation implements Conversation {
  readonly socket: Socket;
  onGone: (() => void) | undefined;
  readonly #onRequest: OnRequest;
  #pending: Buffer = NOTHING;
  #isBusy = false;

  constructor(socket: Socket, onRequest: OnRequest) {
    this.socket = socket;
    this.#onRequest = onRequest;
  }

  begin(): void {
    // Told by `close`.
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => this.onGone?.());
    this.socket.on('data', (piece) => {
      this.#pending = this.#pending.length === 0 ? piece : Buffer.concat([this.#pending, piece]);
      this.#next();
    });
  }

  answer(bytes: Buffer | string, onOut: (isOut: boolean) => void): void {
    this.onGone = undefined;
    this.socket.write(bytes, (error) => onOut(error === null || error === undefined));
    this.#isBusy = false;
    if (this.#pending.length > 0) this.#next();
  }

  #next(): void {
    if (this.#isBusy) return;
    const headEnd = this.#pending.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = this.#pending.toString('latin1', 0, headEnd);
    const start = headEnd + HEAD_END.length;
    const end = start + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#pending.length < end) return;
    const body = this.#pending.toString('utf8', start, end);
    this.#pending = this.#pending.subarray(end);
    this.#isBusy = true;
    this.#onRequest({ path: head.split(' ', 2)[1] ?? '', body }, this);
  }
}
