/** Whether llama.cpp can be loaded here, and what it would compute on. */
import { execFile } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { promisify } from 'node:util';
import { messageOf } from '../base/message-of.ts';
import { inUnits, warning, well } from './observe.ts';
import type { Observation } from './patient.ts';

const run = promisify(execFile);
const PATIENCE_MS = 25_000;

interface Found {
  /** `metal`, `cuda`, `vulkan`, or false: the processor. */
  readonly gpu: string | false;
  readonly devices: readonly string[];
  readonly vramBytes: number;
  readonly release: string;
}

/** In a process of its own: native code that dies must not take the doctor along. The same call as the engine's, which neither compiles nor downloads. */
const LOOK = `
// The library tests a binary in a process of its own, which shall not get our flags.
process.execArgv.length = 0;
const { getLlama } = await import(process.argv[1]);
const llama = await getLlama({ build: 'never', logLevel: 'error', progressLogs: false, maxThreads: 0 });
const devices = llama.gpu === false ? [] : await llama.getGpuDeviceNames();
const vramBytes = llama.gpu === false ? 0 : (await llama.getVramState()).total;
console.log(JSON.stringify({ gpu: llama.gpu, devices, vramBytes, release: llama.llamaCppRelease.release }));
process.exit(0);
`;

/** Without it engines behind URLs work all the same: a warning at most. */
export async function checkEngineBinary(): Promise<readonly Observation[]> {
  const cores = availableParallelism();
  const processor = `${cores} cores of ${cpus()[0]?.model.trim() || 'an unknown processor'}`;
  try {
    const { gpu, devices, vramBytes, release } = await look();
    const where = gpu === false ? `${processor}; no GPU is used` : `${devices.join(', ') || gpu} (${gpu}, ${inUnits(vramBytes)})`;
    return [well(`llama.cpp ${release} on ${where}`, { gpu, devices, vramBytes, release, cores })];
  } catch (cause) {
    return [
      warning({
        code: 'ENGINE_BINARY_MISSING',
        message: `llama.cpp can't be loaded on ${process.platform} ${process.arch} (${lastWords(cause)}).`,
        remedy: 'Install the package @node-llama-cpp of this platform, or use engines by their URLs: --engine …',
        details: { cores },
      }),
    ];
  }
}

async function look(): Promise<Found> {
  const library = import.meta.resolve('node-llama-cpp');
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', LOOK, library], { timeout: PATIENCE_MS });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Found; // What it has just written.
}

function lastWords(cause: unknown): string {
  const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : '';
  const lines = said.split('\n').filter((line) => /error/i.test(line) && !/^\s+at /.test(line));
  return (lines[0] ?? messageOf(cause).split('\n')[0] ?? '').trim().slice(0, 300);
}
