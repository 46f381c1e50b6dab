/** `boatload doctor`: its flags. What it does is in `print-findings.ts`, loaded when it is asked for. */
import type { Command } from 'commander';
import type { CommandContext } from './command.ts';
import { takesFiles } from './completion/completes.ts';
import { collect, engineAddress, someText, wholeNumberBetween } from './flags.ts';
import { configFlag, healthPortFlag, hostFlag } from './server-flags.ts';
import type { UpFlags } from './start-up.ts';

const EXAMPLES = `Examples:
  boatload doctor
  boatload doctor --engine http://gpu-1:8000/v1 --data-dir ./boatload-data
  boatload doctor --config /etc/boatload.yaml --json
`;

const ENDS = `
Exit codes: 0 nothing is wrong, or only warnings · 1 something will not work`;

/** Adds the command to the program. */
export function addDoctorCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('doctor')
    .summary('find out what is wrong here, and what to do')
    .description(
      'Looks at this machine, and at all that up, serve or worker would use with the same flags and settings: what is wrong, and what to do. Changes nothing.',
    )
    .option('-p, --port <n>', 'port that it is to listen on', wholeNumberBetween(0, 65_535))
    .addOption(hostFlag())
    .addOption(healthPortFlag())
    .option('--data-dir <folder>', 'where everything is kept (else BOATLOAD_DATA_DIR, else your data folder)', someText)
    .option('-m, --model <model>', 'a model to serve; may be given several times', collect(someText), [])
    .option('--engine <url>', 'an OpenAI-compatible server, or echo; may be given several times', collect(engineAddress), [])
    .option('--through <url>', 'an API process of a worker; may be given several times', collect(someText), [])
    .addOption(configFlag())
    .option('--json', 'one JSON line on stdout: what was found, each with its code')
    .showHelpAfterError('  See:  boatload doctor --help')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', ENDS)
    .configureHelp({ optionDescription: ({ description }) => description });
  takesFiles(command, 'dataDir', 'model', 'config');
  command.action(async () => {
    const { printFindings } = await import('./print-findings.ts');
    context.finish(await printFindings(command.opts<UpFlags>(), context));
  });
}
