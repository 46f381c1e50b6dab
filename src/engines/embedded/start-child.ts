/** Starts a child process and waits until its model answers. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem } from '../../base/problem.ts';
import type { ChildMessage, ChildOptions, Readiness } from './child-messages.ts';
import { loadedTooLong, usualLoadMs } from './load-limit.ts';

/** A child that is ready to answer. */
export interface StartedChild extends Readiness {
  readonly pid: number;
  readonly baseUrl: string;
  /** Resolves when the process is gone, with what it died of. */
  readonly gone: Promise<string>;
  /** Ends it, and waits until it is gone. */
  stop(): Promise<void>;
}

/** Beside this file, and compiled when this one is. */
const ENTRY = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));
/** What llama.cpp and Node need, and where Node keeps what it has compiled. The child reads files of strangers: no keys and no passwords for it. */
const PASSED_ON =
  /^(PATH|HOME|USERPROFILE|TMPDIR|TEMP|TMP|LANG|LC_.*|LD_LIBRARY_PATH|DYLD_.*|SYSTEMROOT|WINDIR|CUDA_.*|GGML_.*|NODE_LLAMA_CPP_.*|NODE_COMPILE_CACHE)$/i;
/**
 * The library draws the tokens of a batch on libuv's threads side by side, while llama.cpp puts the batch's results in order at the first
 * look and guards that by nothing: two looks at once mix up the answers (measured 2025-11: one answer in ten where prompts and answers share batches). One thread can't.
 */
const ONE_POOL_THREAD = { UV_THREADPOOL_SIZE: '1' };
/** The child's own objects live for one answer: more room for young ones costs memory (40 MB, 2026-11) and makes nothing faster. */
const SMALL_YOUNG_SPACE = ['--max-semi-space-size=4'];
const KILL_AFTER_MS = 5_000;
const KEPT_WORDS = 2_000;

/** Throws a `Problem` when the child can't get its model ready, in so much time or in what is usual for the file. */
export async function startChild(options: Omit<ChildOptions, 'scratchFolder'>, loadMs?: number): Promise<StartedChild> {
  const limitMs = loadMs ?? (await usualLoadMs(options.modelPath));
  const scratchFolder = await mkdtemp(join(tmpdir(), 'boatload-engine-'));
  const child = fork(ENTRY, [JSON.stringify({ ...options, scratchFolder } satisfies ChildOptions)], {
    execArgv: SMALL_YOUNG_SPACE,
    env: { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_ON.test(name))), ...ONE_POOL_THREAD },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const gone = watch(child, scratchFolder);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const clock = setTimeout(() => {
    reject(loadedTooLong(options.modelPath, limitMs));
    // One that hangs in native code hears nothing else.
    child.kill('SIGKILL');
  }, limitMs);
  try {
    const ready = await Promise.race([untilReady(child, gone, options.modelPath), late]);
    return { ...ready, gone, stop: () => stop(child, gone) };
  } catch (cause) {
    await stop(child, gone);
    throw cause;
  } finally {
    clearTimeout(clock);
  }
}

async function watch(child: ChildProcess, scratchFolder: string): Promise<string> {
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-KEPT_WORDS);
  });
  const { promise: silent, resolve: onSilence } = Promise.withResolvers<void>();
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<string>();
  child.stderr?.once('close', onSilence);
  // Not `close`: Node keeps it back when we were the one who disconnected.
  child.once('exit', (code, signal) => onEnd(signal === null ? `exit code ${code}` : `signal ${signal}`));
  child.once('error', (error) => {
    onEnd(error.message);
    onSilence();
  });
  const cause = await ended;
  await silent;
  await rm(scratchFolder, { recursive: true, force: true });
  return cause + toLastWords(words);
}

const toLastWords = (words: string): string => {
  const lines = words.split('\n').filter((line) => line.trim() !== '' && !/^\s+at |^Node\.js v/.test(line));
  const last = lines.at(-1)?.trim();
  return last === undefined ? '' : `: ${last}`;
};

type ReadyChild = Omit<StartedChild, 'gone' | 'stop'>;

async function untilReady(child: ChildProcess, gone: Promise<string>, modelPath: string): Promise<ReadyChild> {
  const { promise, resolve, reject } = Promise.withResolvers<ReadyChild>();
  let baseUrl = '';
  child.on('message', (message: ChildMessage) => {
    if (message.kind === 'listening') baseUrl = `http://127.0.0.1:${message.port}/v1`;
    else if (message.kind === 'failed') reject(new Problem(message.code, message.message, { reason: message.reason }));
    else {
      const { kind: _, ...readiness } = message;
      resolve({ pid: child.pid ?? 0, baseUrl, ...readiness });
    }
  });
  gone.then((cause) => reject(died(modelPath, cause)), reject);
  return promise;
}

/** llama.cpp ends the whole process over a model file that lacks something. */
const died = (modelPath: string, cause: string): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `llama.cpp died while it loaded ${modelPath} (${cause}). The file is damaged or of a kind that it does not know: get it again.`,
    {
      reason: 'MODEL_FILE_INVALID',
    },
  );

async function stop(child: ChildProcess, gone: Promise<string>): Promise<void> {
  if (child.connected) child.disconnect();
  const clock = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  await gone;
  clearTimeout(clock);
}
