/** `boatload config`: its flags. What it does is in `print-config.ts`, loaded when it is asked for. */
import type { Command } from 'commander';
import type { CommandContext } from './command.ts';
import { takesFiles } from './completion/completes.ts';
import type { ConfigRequest } from './doors.ts';
import { configFlag } from './server-flags.ts';

/** Adds the command to the program. */
export function addConfigCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('config')
    .summary('show the settings of servers and workers')
    .description('Shows the settings that up, serve, worker and migrate would have here, and where each comes from; no secrets.')
    .addOption(configFlag())
    .option('--json', 'one JSON line on stdout')
    .showHelpAfterError('  See:  boatload config --help')
    .addHelpText('before', 'Examples:\n  boatload config\n  boatload config --config /etc/boatload.yaml\n');
  takesFiles(command, 'config');
  command.action(async () => {
    const { printConfig } = await import('./print-config.ts');
    context.finish(await printConfig(command.opts<ConfigRequest & { readonly json?: true }>(), context));
  });
}
