/** The server's port, towards those who hold on to it. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { close, listen } from '../../src/listen.ts';

const open: (() => Promise<void>)[] = [];
afterEach(() => Promise.all(open.splice(0).map((end) => end())));

const startListening = async (headersMs?: number) => {
  const listening = await listen({
    fetch: async (request) => new Response(await request.text()),
    host: '127.0.0.1',
    port: 0,
    ...(headersMs !== undefined && { headersMs }),
  });
  open.push(() => close(listening.server));
  return listening;
};

test('who never ends the head of a request is sent away', async () => {
  const { port } = await startListening(50);
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nx-slow: ');
  expect(await text(socket)).toContain('408 Request Timeout');
});

test('nobody is let wait with a head for ever, and a body may take its time', async () => {
  const { server } = await startListening();
  expect([server.headersTimeout, server.requestTimeout]).toEqual([60_000, 0]);
  const { port } = await startListening(1_000);
  const slow = connect(port, '127.0.0.1');
  slow.write('POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nsl');
  // The other one came later and is over before: the time of heads has run out for both.
  const other = connect(port, '127.0.0.1');
  other.write('GET / HTTP/1.1\r\n');
  expect(await text(other)).toContain('408');
  slow.write('ow');
  const reply = await text(slow);
  expect([reply.slice(0, 15), reply.slice(-4)]).toEqual(['HTTP/1.1 200 OK', 'slow']);
});
