import type { Command } from 'commander';
import type { Host } from './host.ts';
import { wantsColor } from './screen.ts';

/** Lets a command line speak through the host; `toFailure` turns commander's words into a line for stderr. Before the first subcommand is added. */
export function toHost(program: Command, { env, stdout, stderr }: Host, toFailure: (message: string) => string): void {
  program.configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
    outputError: (text, write) => write(toFailure(text.replace(/^error: /, ''))),
    getOutHelpWidth: () => stdout.columns ?? 100,
    getErrHelpWidth: () => stderr.columns ?? 100,
    getOutHasColors: () => wantsColor(env, stdout),
    getErrHasColors: () => wantsColor(env, stderr),
  });
}
