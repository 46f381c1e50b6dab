import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openLine } from '../../../src/torture/line.ts';

/** A line to a server that says back what it hears. */
async function openEcho() {
  const heard: Socket[] = [];
  const server = createServer((socket) => {
    heard.push(socket);
    socket.on('error', () => undefined).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const line = await openLine({ to: { port: (server.address() as AddressInfo).port } });
  onTestFinished(async () => {
    await line.close();
    server.close();
  });
  const call = () => connect(line.port, '127.0.0.1').on('error', () => undefined);
  return { line, heard, call };
}

async function read(socket: Socket, bytes: number): Promise<string> {
  let text = '';
  while (text.length < bytes) text += String((await once(socket, 'data'))[0]);
  return text;
}

const ask = async (socket: Socket, text: string): Promise<string> => {
  const answer = read(socket, text.length);
  socket.write(text);
  return await answer;
};

const codeOf = async (socket: Socket): Promise<unknown> => {
  if (socket.destroyed) return socket.errored && 'code' in socket.errored ? socket.errored.code : undefined;
  const [error] = await once(socket, 'error');
  return error.code;
};

test('carries bytes both ways, and both goodbyes', async () => {
  const { call, line } = await openEcho();
  const socket = call();
  expect(await ask(socket, 'hello')).toBe('hello');
  expect(line.connections).toBe(1);
  const ended = once(socket, 'end');
  socket.end('last');
  await Promise.all([ended, once(socket, 'close')]);
});

test('a cut line resets what stands and what comes, until it heals', async () => {
  const { call, line, heard } = await openEcho();
  const standing = call();
  await ask(standing, 'hello');
  const gone = heard.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  line.cut();
  expect(await codeOf(standing)).toBe('ECONNRESET');
  await Promise.all(gone);
  expect(await codeOf(call())).toBe('ECONNRESET');
  line.heal();
  expect(await ask(call(), 'again')).toBe('again');
});

test('a line that refuses lets those go on who are there', async () => {
  const { call, line } = await openEcho();
  const standing = call();
  await ask(standing, 'hello');
  line.refuse();
  expect(await codeOf(call())).toBe('ECONNRESET');
  expect(await ask(standing, 'still here')).toBe('still here');
});

test('a stalled line holds everything, new connections and goodbyes too, and lets it flow when it heals', async () => {
  const { call, line, heard } = await openEcho();
  const standing = call();
  await ask(standing, 'hello');
  line.stall();
  const fresh = call();
  await once(fresh, 'connect');
  const answers = Promise.all([read(standing, 4), read(fresh, 4)]);
  standing.write('held');
  fresh.end('late');
  // Nothing is there to hear: a whole round on another line, which works, is longer than what is held would take.
  const other = await openEcho();
  expect(await ask(other.call(), 'x'.repeat(100_000))).toHaveLength(100_000);
  expect(heard.map(({ bytesRead }) => bytesRead).reduce((sum, bytes) => sum + bytes, 0)).toBe(5);
  line.heal();
  expect(await answers).toEqual(['held', 'late']);
});

test('a slow line takes its time, and a healed one does not', async () => {
  const { call, line } = await openEcho();
  const socket = call();
  await ask(socket, 'hello');
  line.delay(100);
  const start = performance.now();
  expect(await ask(socket, 'there and back')).toBe('there and back');
  expect(performance.now() - start).toBeGreaterThanOrEqual(199);
  line.delay(0);
  line.throttle(100_000);
  const throttled = performance.now();
  expect(await ask(socket, 'x'.repeat(50_000))).toHaveLength(50_000);
  expect(performance.now() - throttled).toBeGreaterThanOrEqual(499);
  line.heal();
  expect(await ask(socket, 'x'.repeat(1_000_000))).toHaveLength(1_000_000);
});
