/** Starts simulated engines in a process of their own, and asks them what they have done. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { EngineShape } from './engine-time.ts';
import type { EngineReport } from './real-engine.ts';

export interface EngineOptions extends Omit<EngineShape, 'speed'> {
  /** Shows how busy it is, as vLLM does. */
  readonly hasGauge?: boolean;
  /** So many sequences halve the speed of each; default: they don't slow one another. */
  readonly batch?: number;
  readonly seed?: number;
}

export interface SimulatedEngine {
  readonly url: string;
  report(): Promise<EngineReport>;
  /** Becomes smaller or larger, or begins to fail. */
  change(to: { readonly slots?: number; readonly failing?: number }): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('engine-server.ts', import.meta.url));

/** Starts one engine for each of the options. */
export async function startEngines(
  options: readonly EngineOptions[],
): Promise<{ readonly engines: readonly SimulatedEngine[]; stop(): void }> {
  const args = options.map((one) => JSON.stringify(one));
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const engines: SimulatedEngine[] = [];
  for await (const url of createInterface({ input: child.stdout })) {
    engines.push(toEngine(url));
    if (engines.length === options.length) break;
  }
  if (engines.length < options.length) throw new Error('The simulated engines did not start.');
  return { engines, stop: () => child.stdin.end() };
}

const toEngine = (url: string): SimulatedEngine => ({
  url,
  report: async () => (await (await fetch(`${url}/simulator`)).json()) as EngineReport,
  change: async (to) => {
    await fetch(`${url}/simulator`, { method: 'POST', body: JSON.stringify(to) });
  },
});
