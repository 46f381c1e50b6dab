/** What a flag or an argument takes, for the shell's Tab key. */
import type { Argument, Command, Option } from 'commander';

/** Resources of the server, or files of this machine. */
export type Completes = 'jobs' | 'datasets' | 'models' | 'engines' | 'users' | 'files';

const known = new WeakMap<Option | Argument, Completes>();

/** Says what it takes. */
export function completes<T extends Option | Argument>(target: T, what: Completes | undefined): T {
  if (what !== undefined) known.set(target, what);
  return target;
}

/** Says of these flags and arguments of a command, by their names, that they take files. */
export function takesFiles(command: Command, ...names: readonly string[]): void {
  for (const option of command.options) if (names.includes(option.attributeName())) completes(option, 'files');
  for (const argument of command.registeredArguments) if (names.includes(argument.name())) completes(argument, 'files');
}

/** What it takes, when that was said. */
export const completionOf = (target: Option | Argument): Completes | undefined => known.get(target);
