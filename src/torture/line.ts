/** A line on loopback to a host and port, on which things go wrong when they are told to: what a network does between two processes. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Bytes flow through it both ways until it is told otherwise. */
export interface Line {
  readonly port: number;
  /** All is well again: what was held flows on, and nothing is slow. */
  heal(): void;
  /** Resets all connections, and every new one. */
  cut(): void;
  /** Resets every new connection; those that stand go on. */
  refuse(): void;
  /** A partition: connections stay open and new ones are taken, and nothing flows, no goodbye either. */
  stall(): void;
  /** Every piece, 64 KiB at most, arrives so much later, and the next one after it. */
  delay(ms: number): void;
  /** All connections together carry so many bytes a second, each way. */
  throttle(bytesPerSecond: number): void;
  /** How many connections stand. */
  readonly connections: number;
  close(): Promise<void>;
}

/** Where a line leads. */
export interface LineEnd {
  readonly host?: string;
  readonly port: number;
}

/** Opens a line on a port of its own. */
export async function openLine({ to }: { readonly to: LineEnd }): Promise<Line> {
  const line = new FaultyLine(to);
  await line.listen();
  return line;
}

/** A slow line is slow evenly: what comes in one piece leaves in so many a second. */
const PIECES_A_SECOND = 20;

class FaultyLine implements Line {
  readonly #to: LineEnd;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#take(socket));
  #takesNew = true;
  #held: { readonly ended: Promise<void>; readonly end: () => void } | undefined;
  #delayMs = 0;
  #bytesPerSecond = Number.POSITIVE_INFINITY;
  /** When each direction has carried all that it was given. */
  readonly #freeAt = { there: 0, back: 0 };

  constructor(to: LineEnd) {
    this.#to = to;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', 4_096, resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#sockets.size / 2;
  }

  heal(): void {
    this.#takesNew = true;
    this.#delayMs = 0;
    this.#bytesPerSecond = Number.POSITIVE_INFINITY;
    this.#letGo();
  }

  cut(): void {
    this.refuse();
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  refuse(): void {
    this.#takesNew = false;
    this.#letGo();
  }

  stall(): void {
    this.#takesNew = true;
    this.#held ??= holdUp();
  }

  delay(ms: number): void {
    this.#delayMs = ms;
  }

  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #letGo(): void {
    this.#held?.end();
    this.#held = undefined;
  }

  #take(near: Socket): void {
    if (!this.#takesNew) return void near.resetAndDestroy();
    const far = connect({ host: this.#to.host ?? '127.0.0.1', port: this.#to.port, allowHalfOpen: true, noDelay: true });
    this.#join(near, far, 'there');
    this.#join(far, near, 'back');
  }

  #join(from: Socket, to: Socket, way: 'there' | 'back'): void {
    this.#sockets.add(from);
    // Told by `close`.
    from.on('error', () => undefined);
    from.once('close', (hadError) => {
      this.#sockets.delete(from);
      void this.#endWith(to, hadError);
    });
    void this.#carry(from, to, way).catch(() => undefined);
  }

  async #carry(from: Socket, to: Socket, way: 'there' | 'back'): Promise<void> {
    for await (const piece of from.iterator({ destroyOnReturn: false })) {
      for (const part of this.#split(piece)) {
        await this.#pass(part.length, way);
        if (to.destroyed) return;
        await new Promise((resolve) => to.write(part, resolve));
      }
    }
    await this.#heldUp();
    to.end();
  }

  *#split(piece: Buffer): Iterable<Buffer> {
    const most = Math.max(1, Math.floor(this.#bytesPerSecond / PIECES_A_SECOND));
    for (let at = 0; at < piece.length; at += most) yield piece.subarray(at, at + most);
  }

  /** Resolves when so many bytes are through. */
  async #pass(bytes: number, way: 'there' | 'back'): Promise<void> {
    const now = performance.now();
    this.#freeAt[way] = Math.max(now, this.#freeAt[way]) + (bytes / this.#bytesPerSecond) * 1_000;
    const waitMs = this.#freeAt[way] - now + this.#delayMs;
    if (waitMs > 0) await delay(waitMs);
    await this.#heldUp();
  }

  async #heldUp(): Promise<void> {
    while (this.#held !== undefined) await this.#held.ended;
  }

  async #endWith(other: Socket, hadError: boolean): Promise<void> {
    await this.#heldUp();
    if (hadError) other.resetAndDestroy();
    else other.destroySoon();
  }
}

function holdUp(): { readonly ended: Promise<void>; readonly end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { ended: promise, end: resolve };
}
