/** Commands typed at a server that runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import type { TestServer } from '../client/server.ts';
import { FakeHost, type FakeOptions } from './fake-host.ts';
import { makeRoof } from './fake-roof.ts';

/** How a command ended, and what it said. */
export interface Typed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const homes: string[] = [];
afterAll(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});

/** A home of its own, so that nobody's keys are found; gone when the file's tests are over. */
export function makeHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'boatload-home-'));
  homes.push(home);
  return home;
}

/** Types commands into a program that finds the server by its data folder. */
export function makeTyping(server: () => TestServer, name: FakeOptions['name'] & string) {
  const home = makeHome();
  return async (...args: readonly string[]): Promise<Typed> => {
    const host = new FakeHost({ args, name, env: { HOME: home, BOATLOAD_DATA_DIR: server().dataDir } });
    const code = await runProgram(host, makeRoof({}));
    return { code, stdout: host.stdout.text, stderr: host.stderr.text };
  };
}

/** What changes from run to run, named. */
export const steady = (text: string): string =>
  text
    .replaceAll(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d+Z/g, '<time>')
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, '<server>')
    .replaceAll(/\bbl_[\w-]+/g, '<key>')
    .replaceAll(/(Cached Input Token Count: )\d+/g, '$1<n>');
