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

/** What a server says of itself when it is up. */
interface Facts {
  readonly url: string;
  readonly apiKey: string;
  readonly account: string;
}

export interface TestServer extends Facts {
  readonly dataDir: string;
  readonly engine: HttpEngine;
  /** Of the server alone. */
  readonly pid: number;
  /** Kills it and starts it again on the same data; it has another URL then. */
  restart(): Promise<void>;
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
  const cleanUp = async () => {
    await engine.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  const launch = () =>
    launchServer(args, env).catch(async (cause: unknown) => {
      await cleanUp();
      throw cause;
    });
  let launched = await launch();
  return {
    get url() {
      return launched.url;
    },
    get pid() {
      return launched.pid;
    },
    apiKey: launched.apiKey,
    account: launched.account,
    dataDir,
    engine,
    async restart() {
      await launched.kill();
      launched = await launch();
    },
    async close() {
      await launched.kill();
      await cleanUp();
    },
  };
}

interface Launched extends Facts {
  readonly pid: number;
  kill(): Promise<void>;
}

/** Resolves when the server says that it is up. */
async function launchServer(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Launched> {
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const { pid = 0 } = child;
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const ended = once(child, 'exit');
  const kill = async () => {
    // The group, so that children of the server go too.
    if (child.exitCode === null && pid !== 0) process.kill(-pid, 'SIGKILL');
    await ended;
  };
  const ready = once(createInterface(child.stdout), 'line').then(([line]) => JSON.parse(String(line)) as Facts);
  const first = await Promise.race([ready, ended]);
  if (!('url' in first)) throw new Error(`The server did not start:\n${said}`);
  return { ...first, pid, kill };
}
