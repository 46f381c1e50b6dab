/** A line to an HTTP server on which single requests meet what a script says: real HTTP on loopback. */
import { type ClientRequest, createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * What a request meets. `before`: the line is cut before it arrives. `after`: it arrives, and its reply is lost. `stall`: it does not arrive, and nobody says
 * so. A number: the reply is cut after so many bytes. `stallAfter`: after so many nothing more of it comes. `replied`: after that share of its bytes. `sent`: the request is cut, after so many bytes. `waitMs`: the
 * reply begins so much later.
 */
export type LineFault =
  | 'before'
  | 'after'
  | 'stall'
  | number
  | { readonly replied: number }
  | { readonly sent: number }
  | { readonly stallAfter: number }
  | { readonly waitMs: number }
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string };

/** A request as it was seen. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly atMs: number;
}

/** The line; `seen` grows with every request. */
export interface HttpLine {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Asked for every request; undefined lets it through. */
  script: (seen: SeenRequest) => LineFault | undefined;
  close(): Promise<void>;
}

/** Opens it in front of a server's URL. Links that the server gives in JSON lead through it, too. */
export async function openHttpLine(target: string): Promise<HttpLine> {
  const line = new ScriptedLine(target);
  await line.listen();
  return line;
}

class ScriptedLine implements HttpLine {
  url = '';
  readonly seen: SeenRequest[] = [];
  script: HttpLine['script'] = () => undefined;
  readonly #target: string;
  readonly #server = createServer((request, response) => this.#handle(request, response));

  constructor(target: string) {
    this.#target = target;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url: path = '', headers } = request;
    const seen = { method, path, headers, atMs: performance.now() };
    this.seen.push(seen);
    const fault = this.script(seen);
    if (fault === 'stall') return;
    if (fault === 'before') request.socket.destroy();
    else if (typeof fault === 'object' && 'status' in fault) answer(request, response, fault);
    else this.#forward(request, response, fault);
  }

  #forward(request: IncomingMessage, response: ServerResponse, fault: LineFault | undefined): void {
    const { method, url: path } = request;
    // A connection of its own each: an idle one that the server closes would be one more fault, which nobody planned.
    const onward = send(`${this.#target}${path}`, { method, headers: toForwarded(request.headers), agent: false }, (reply) => {
      if (fault === 'after') request.socket.destroy();
      else void this.#reply(response, reply, fault).catch(() => request.socket.destroy());
    });
    onward.on('error', () => request.socket.destroy());
    if (typeof fault === 'object' && 'sent' in fault) forwardPart(request, onward, fault.sent);
    else request.pipe(onward);
  }

  async #reply(response: ServerResponse, reply: IncomingMessage, fault: LineFault | undefined): Promise<void> {
    if (typeof fault === 'object' && 'waitMs' in fault) await delay(fault.waitMs);
    const isJson = /^application\/json\b/.test(reply.headers['content-type'] ?? '');
    const { 'content-length': length, ...others } = toForwarded(reply.headers);
    response.writeHead(
      reply.statusCode ?? 502,
      isJson || length === undefined ? others : { ...others, 'content-length': length },
    );
    let left = toLimit(fault, Number(length ?? 0));
    for await (const chunk of reply) {
      // Only what came before the cut is sent, and only then is the line cut.
      const part = chunk.subarray(0, left);
      left -= part.length;
      const bytes = isJson ? Buffer.from(part.toString().replaceAll(this.#target, this.url)) : part;
      await new Promise((resolve) => response.write(bytes, resolve));
      if (left > 0) continue;
      if (!isStall(fault)) response.destroy();
      return;
    }
    response.end();
  }
}

const toLimit = (fault: LineFault | undefined, bytes: number): number => {
  if (typeof fault === 'number') return fault;
  if (isStall(fault)) return fault.stallAfter;
  return typeof fault === 'object' && 'replied' in fault ? Math.floor(bytes * fault.replied) : Number.POSITIVE_INFINITY;
};

const isStall = (fault: LineFault | undefined): fault is Extract<LineFault, { readonly stallAfter: number }> =>
  typeof fault === 'object' && 'stallAfter' in fault;

/** What belongs to one connection stays on it; all else passes as it is, `host` too, so that signatures hold. */
function toForwarded({ connection: _, 'keep-alive': __, expect: ___, ...others }: IncomingMessage['headers']) {
  return others;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Extract<LineFault, { readonly status: number }>,
): void {
  request.resume();
  response.writeHead(status, headers).end(body);
}

/** So many bytes of a request reach the server; then both ends hear that the line is dead. */
function forwardPart(request: IncomingMessage, onward: ClientRequest, bytes: number): void {
  let left = bytes;
  request.on('data', (chunk: Buffer) => {
    if (left <= 0) return;
    const part = chunk.subarray(0, left);
    left -= part.length;
    onward.write(part, () => {
      if (left > 0) return;
      onward.destroy();
      request.socket.destroy();
    });
  });
}
