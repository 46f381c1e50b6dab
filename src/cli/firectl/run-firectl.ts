/** firectl's command line: what is typed, and how it fails. Scripts know its ways: one exit code, and a sentence with the time before it. */
import { CommanderError } from 'commander';
import { Problem } from '../../base/problem.ts';
import type { Roof } from '../doors.ts';
import { EXIT } from '../exit.ts';
import type { Host } from '../host.ts';
import { makeFirectl, normalizeSwitches } from './grammar.ts';

/** Does what the arguments say and answers the exit code; never throws. */
export async function runFirectl(host: Host, roof: Roof): Promise<number> {
  const program = makeFirectl({
    host,
    versions: async () => ({ ...(await roof.versions()) }),
    toFailure: (message) => failureText(host.date(), message),
  });
  try {
    if (host.args.length === 0) program.outputHelp();
    else await program.parseAsync(normalizeSwitches(host.args), { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failure;
    host.stderr.write(failureText(host.date(), wordsOf(error, host.env['BOATLOAD_DEBUG'] === '1')));
    return EXIT.failure;
  }
}

/** `2026/01/05 02:00:00 Failed to execute: …`, in the time of this machine. */
function failureText(at: Date, message: string): string {
  const two = (part: number) => String(part).padStart(2, '0');
  const day = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(two).join('/');
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  return `${day} ${time} Failed to execute: ${message.trimEnd()}\n`;
}

function wordsOf(error: unknown, debug: boolean): string {
  if (error instanceof Problem) return `${error.message} [${error.reason}]`;
  return debug && error instanceof Error ? (error.stack ?? error.message) : `that is a defect in boatload: ${String(error)}`;
}
