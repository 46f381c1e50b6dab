/** `boatload up`: its flags. What it does is in `start-up.ts`, loaded when it is asked for. */
import type { Command } from 'commander';
import type { CommandContext } from './command.ts';
import { takesFiles } from './completion/completes.ts';
import { collect, engineAddress, someText, wholeNumberBetween } from './flags.ts';
import { configFlag, healthPortFlag, hostFlag } from './server-flags.ts';
import type { UpFlags } from './start-up.ts';

const EXAMPLES = `Examples:
  boatload up
  boatload up --engine http://gpu-1:8000/v1 --engine http://gpu-2:8000/v1
  boatload up --model ./my-model.gguf --port 9000 --data-dir ./boatload-data
`;

/** Adds the command to the program. */
export function addUpCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('up')
    .summary('start the server')
    .description('Starts the server on this machine: its database, its storage and its engines.')
    .option('-p, --port <n>', 'port to listen on (default: 8080, or the next free one)', wholeNumberBetween(0, 65_535))
    .addOption(hostFlag())
    .addOption(healthPortFlag())
    .option('--data-dir <folder>', 'where everything is kept (else BOATLOAD_DATA_DIR, else your data folder)', someText)
    .option('-m, --model <model>', 'a model to serve; may be given several times', collect(someText), [])
    .option('--engine <url>', 'an OpenAI-compatible server, or echo; may be given several times', collect(engineAddress), [])
    .addOption(configFlag())
    .option('--json', 'one JSON line on stdout when it is ready: url, account, apiKey')
    .showHelpAfterError('  See:  boatload up --help')
    .addHelpText('before', EXAMPLES)
    .configureHelp({ optionDescription: ({ description }) => description });
  takesFiles(command, 'dataDir', 'model', 'config');
  command.action(async () => {
    const { startServer } = await import('./start-up.ts');
    context.finish(await startServer('up', command.opts<UpFlags>(), context));
  });
}
