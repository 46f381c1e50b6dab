/** `boatload completion <shell>`, and the hidden `__complete` that its scripts call. */
import { Argument, type Command } from 'commander';
import type { CommandContext } from '../command.ts';
import { EXIT } from '../exit.ts';

/** The word that asks for completions; what was typed follows it. */
export const COMPLETE = '__complete';

const EXAMPLES = `Examples:
  source <(boatload completion bash)                                          in ~/.bashrc
  source <(boatload completion zsh)                                           in ~/.zshrc, after compinit
  boatload completion fish > ~/.config/fish/conf.d/boatload.fish              for both commands, from the next start on
`;

/** Adds the command to the program. */
export function addCompletionCommand(program: Command, { host }: CommandContext): void {
  program
    .command('completion')
    .summary('print what makes the Tab key work in bash, zsh or fish')
    .description('Prints what makes the Tab key work for boatload and firectl, with the names of your jobs, datasets and models.')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .showHelpAfterError('  See:  boatload completion --help')
    .addHelpText('before', EXAMPLES)
    .action(async (shell: string) => {
      const { SCRIPTS } = await import('./scripts.ts');
      host.stdout.write(SCRIPTS[shell] ?? '');
    });
}

/** Prints what fits, a line each: the value, a tab, what it is. Or `:files`. `own` has the commands that are not firectl's. */
export async function printCompletion(own: Command, context: CommandContext): Promise<number> {
  const { host } = context;
  const { complete } = await import('./complete.ts');
  const { makeFindLive } = await import('./live-values.ts');
  const { makeFirectl } = await import('../firectl/grammar.ts');
  const words = host.args.slice(1);
  const completeIn = (program: Command) => complete(program, words, makeFindLive(host));
  const firectl = makeFirectl({ host, versions: async () => ({}), toFailure: String });
  const isOwn = host.name === 'boatload' ? words.length <= 1 : false;
  const first =
    isOwn || own.commands.some((command) => command.name() === words[0]) ? await completeIn(own) : await completeIn(firectl);
  // Who types on has seen our own commands, and means one of the others.
  const found = isOwn && words[0] !== '' && first.length === 0 ? await completeIn(firectl) : first;
  if (found === 'files') host.stdout.write(':files\n');
  else for (const { value, about } of found) host.stdout.write(`${value}\t${about}\n`);
  return EXIT.ok;
}
