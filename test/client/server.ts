/** `boatload up` as a process of its own over an engine of the test's, for all tests of a file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type HttpEngine, type HttpEngineOptions, startHttpEngine } from '../support/http-engine.ts';

const BOATLOAD = fileURLToPath(new URL('../../bin/boatload.js', import.meta.url));

/** The model that the test's engine serves; its names are those of the public account, whatever that is called. */
export const MODEL = 'test-engine';

/** How long a first start may take on a busy machine. */
export const START_MS = 90_000;

export interface TestServer {
  readonly url: string;
  readonly apiKey: string;
  readonly account: string;
  readonly dataDir: string;
  readonly engine: HttpEngine;
  close(): Promise<void>;
}

/** Starts it, from the sources or from another `program`. Its model is `MODEL`, and `echo`. */
export async function startServer(
  options: HttpEngineOptions = {},
  env: Readonly<Record<string, string>> = {},
  program = BOATLOAD,
): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'boatload-server-'));
  const engine = await startHttpEngine({ models: [{ id: MODEL }], ...options });
  const args = [program, 'up', '--json', '--port', '0', '--data-dir', dataDir, '--engine', engine.url];
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const ended = once(child, 'exit');
  let isReady = false;
  const ready = once(createInterface(child.stdout), 'line').then(([line]) => JSON.parse(String(line)));
  const close = async () => {
    // The group, so that children of the server go too.
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await ended;
    await engine.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  const failed = ended.then(async () => {
    if (isReady) return new Promise<never>(() => {});
    await close();
    throw new Error(`The server did not start:\n${said}`);
  });
  const facts = await Promise.race([ready, failed]);
  isReady = true;
  return { ...facts, dataDir, engine, close };
}
