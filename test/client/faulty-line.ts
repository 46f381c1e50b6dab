/** A line between a client and a server on which things go wrong: real HTTP on loopback, with faults that the test asks for. */
import { type ClientRequest, createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What a request meets. `before`: the line is cut before it arrives. `after`: it arrives, and its reply is lost. A number: the reply is cut after so many
 * bytes. `sent`: the request is.
 */
export type Fault =
  | 'before'
  | 'after'
  | number
  | { readonly sent: number }
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string };

/** A request as it was seen. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly atMs: number;
}

export interface FaultyLine {
  readonly url: string;
  readonly seen: Seen[];
  /** Asked for every request; undefined lets it through. */
  script: (seen: Seen) => Fault | undefined;
  close(): Promise<void>;
}

/** Starts it in front of a server. Links that the server gives lead through it, too. */
export async function startFaultyLine(target: string): Promise<FaultyLine> {
  const server = createServer((request, response) => void handle(request, response));
  const proxy: FaultyLine & { url: string } = {
    url: '',
    seen: [],
    script: () => undefined,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    const seen = { method, path, headers, atMs: performance.now() };
    proxy.seen.push(seen);
    const fault = proxy.script(seen);
    if (fault === 'before') return void request.socket.destroy();
    if (typeof fault === 'object' && 'status' in fault) {
      request.resume();
      return void response.writeHead(fault.status, fault.headers).end(fault.body);
    }
    const onward = send(`${target}${path}`, { method, headers }, (reply) => {
      if (fault === 'after') return void request.socket.destroy();
      const isJson = /^application\/json\b/.test(reply.headers['content-type'] ?? '');
      const { 'content-length': length, ...others } = reply.headers;
      response.writeHead(reply.statusCode ?? 502, isJson ? others : reply.headers);
      let left = typeof fault === 'number' ? fault : Number.POSITIVE_INFINITY;
      reply.on('data', (chunk: Buffer) => {
        // Only what came before the cut is sent, and only then is the line cut.
        const part = chunk.subarray(0, left);
        left -= part.length;
        const bytes = isJson ? Buffer.from(part.toString().replaceAll(target, proxy.url)) : part;
        response.write(bytes, () => left <= 0 && request.socket.destroy());
      });
      reply.on('end', () => left > 0 && response.end());
    });
    onward.on('error', () => request.socket.destroy());
    if (typeof fault === 'object') forwardPart(request, onward, fault.sent);
    else request.pipe(onward);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
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
