/** llama.cpp's own binaries: its batched bench and its server. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const BINARIES = ['llama-batched-bench', 'llama-server'];

/** Where they are; undefined where nobody said. */
export function findLlamaCpp(folder = process.env['LLAMA_CPP_BIN']): string | undefined {
  if (folder === undefined || folder === '') return undefined;
  const missing = BINARIES.filter((name) => !existsSync(join(folder, name)));
  if (missing.length > 0) throw new Error(`LLAMA_CPP_BIN names ${folder}, where there is no ${missing.join(' and no ')}.`);
  return folder;
}

/** How to get them, in one sentence. */
export const HOW_TO_GET_THEM =
  "llama.cpp's llama-batched-bench and llama-server are missing: build them of the release that node-llama-cpp is made of, with bench/embedded/build-llama-cpp.sh FOLDER, " +
  'and name that folder in LLAMA_CPP_BIN (with --tiny alone, what needs none of them runs).';

export interface Decoding {
  readonly model: string;
  readonly sequences: number;
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly threads: number;
  readonly flashAttention: boolean;
}

/** Tokens a second while all sequences decode, as the batched bench tells. */
export async function runBatchedBench(bin: string, decoding: Decoding): Promise<number> {
  const { model, sequences, promptTokens, answerTokens, threads, flashAttention } = decoding;
  const args = Object.entries({
    '-m': model,
    '-npp': promptTokens,
    '-ntg': answerTokens,
    // The last line may get lost, as the program does not wait for its own log: one sequence goes last.
    '-npl': `${sequences},1`,
    '-c': sequences * (promptTokens + answerTokens),
    '-t': threads,
    '-tb': threads,
    '-fa': flashAttention ? 'on' : 'off',
    '--output-format': 'jsonl',
  }).flatMap(([name, value]) => [name, `${value}`]);
  const { stdout } = await promisify(execFile)(join(bin, 'llama-batched-bench'), args, { maxBuffer: 2 ** 26 });
  const told = /\{[^\n]*"speed_tg"[^\n]*\}/.exec(stdout)?.[0];
  if (told === undefined) throw new Error(`llama-batched-bench said nothing of its speed:\n${stdout}`);
  return JSON.parse(told).speed_tg;
}

export interface LlamaServer {
  readonly pid: number;
  readonly baseUrl: string;
  stop(): Promise<void>;
}

export interface Serving {
  readonly model: string;
  /** The name under which it is asked. */
  readonly name: string;
  readonly slots: number;
  /** Tokens of a slot. */
  readonly contextSize: number;
  readonly threads: number;
  readonly flashAttention: boolean;
}

/** Starts the server, with all else as it comes: its prompt cache is on. Resolves when it answers. */
export async function startLlamaServer(bin: string, serving: Serving): Promise<LlamaServer> {
  const port = await findPort();
  const args = Object.entries({
    '-m': serving.model,
    '-a': serving.name,
    '-np': serving.slots,
    '-c': serving.slots * serving.contextSize,
    '-t': serving.threads,
    '-tb': serving.threads,
    '-fa': serving.flashAttention ? 'on' : 'off',
    '--host': '127.0.0.1',
    '--port': port,
  }).flatMap(([name, value]) => [name, `${value}`]);
  const child = spawn(join(bin, 'llama-server'), args, { stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  try {
    await untilReady(child, port);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { pid: child.pid ?? 0, baseUrl: `http://127.0.0.1:${port}/v1`, stop };
}

async function untilReady(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null) {
    const answered = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (answered?.ok) return;
    await delay(50);
  }
  throw new Error(`llama-server ended with ${child.exitCode}.`);
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}
