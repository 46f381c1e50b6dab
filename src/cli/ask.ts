/** One question at the terminal. */
import { createInterface } from 'node:readline';
import type { Host } from './host.ts';

/** True when somebody sits there and can answer. */
export const canAsk = (host: Host): boolean => host.stdin.isTTY === true && host.stderr.isTTY === true;

/** Yes is the default; the end of the input and `stop` mean no. */
export async function askYes(host: Host, question: string, stop: AbortSignal): Promise<boolean> {
  host.stderr.write(`${question} [Y/n] `);
  // Not a terminal to readline: it would swallow Ctrl-C, which has to reach `stop`.
  const lines = createInterface({ input: host.stdin, terminal: false, signal: stop });
  const { value, done } = await lines[Symbol.asyncIterator]().next();
  lines.close();
  return done !== true && /^(y|yes|)$/i.test(value.trim());
}
