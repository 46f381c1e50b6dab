/** Somebody who is told of ended jobs: a real HTTP server that keeps what it was sent and answers as a test wants. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers a request; one that does nothing leaves its sender waiting. */
export type Answer = (response: ServerResponse, request: Received) => void;

const agree: Answer = (response) => void response.end('ok');

export async function startReceiver(first: Answer = agree) {
  const received: Received[] = [];
  const behaviour = { answer: first };
  const server = createServer(async (request, response) => {
    const { method = '', url: path = '', headers } = request;
    const got = { method, path, headers, body: await text(request) };
    received.push(got);
    behaviour.answer(response, got);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    received,
    port,
    url: `http://127.0.0.1:${port}/hook`,
    /** How it answers from now on. */
    answer(how: Answer = agree) {
      behaviour.answer = how;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with a status and nothing else. */
export const withStatus =
  (status: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) =>
    void response.writeHead(status, headers).end();
