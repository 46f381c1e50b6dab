/** `boatload serve`, `worker` and `migrate`: their flags. What they do is in `start-up.ts`, loaded when it is asked for. */
import type { Command } from 'commander';
import type { CommandContext } from './command.ts';
import { takesFiles } from './completion/completes.ts';
import { collect, engineAddress, someText, wholeNumberBetween } from './flags.ts';
import { configFlag, healthPortFlag, hostFlag } from './server-flags.ts';
import type { UpFlags } from './start-up.ts';

const SETTINGS = `
All processes share DATABASE_URL (postgres://…), OBJECT_STORE (s3://bucket?endpoint=…, or file:/folder) and BOATLOAD_SECRET.
S3's keys are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
Engines that all processes share are added once: boatload engine add. Those of --engine and --model are this process's own.
`;

/** Adds the commands of a fleet to the program. */
export function addFleetCommands(program: Command, context: CommandContext): void {
  program.commandsGroup('As a fleet:');
  addServe(program, context);
  addWorker(program, context);
  addMigrate(program, context);
  program.commandsGroup('Commands:');
}

function addServe(program: Command, context: CommandContext): void {
  const command = add(program, 'serve', 'serve the API; as many beside each other as you like', [
    'boatload serve --host 0.0.0.0 --port 8080 --engine http://gpu-1:8000/v1',
  ]).option('-p, --port <n>', 'port to listen on (default: 8080, or the next free one)', wholeNumberBetween(0, 65_535));
  addMemberFlags(command, '--json', 'one JSON line on stdout when it is ready: url');
  command.action(async () => {
    const { startServer } = await import('./start-up.ts');
    context.finish(await startServer('serve', command.opts<UpFlags>(), context));
  });
}

function addWorker(program: Command, context: CommandContext): void {
  const command = add(program, 'worker', 'run jobs; as many beside each other as you like', [
    'boatload worker --engine http://gpu-1:8000/v1 --engine http://gpu-2:8000/v1',
    'boatload worker --through https://api.example --engine http://gpu-3:8000/v1',
  ]).option('--through <url>', 'an API process, in place of DATABASE_URL; may be given several times', collect(someText), []);
  addMemberFlags(command, '--json', 'one JSON line on stdout when it is ready');
  command.action(async () => {
    const { startServer } = await import('./start-up.ts');
    context.finish(await startServer('work', command.opts<UpFlags>(), context));
  });
}

function addMigrate(program: Command, context: CommandContext): void {
  const command = add(program, 'migrate', 'bring the database up to date', [
    'boatload migrate',
    'boatload migrate --account acme',
  ])
    .option('--account <id>', 'open this account too, and print the key of its admin', someText)
    .addOption(configFlag())
    .option('--json', 'one JSON line on stdout: schema, apiKey');
  takesFiles(command, 'config');
  command.action(async () => {
    const { migrateFleet } = await import('./migrate-fleet.ts');
    context.finish(await migrateFleet(command.opts(), context));
  });
}

const add = (program: Command, name: string, summary: string, examples: readonly string[]): Command =>
  program
    .command(name)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    .showHelpAfterError(`  See:  boatload ${name} --help`)
    .addHelpText('before', `Examples:\n${examples.map((example) => `  ${example}\n`).join('')}`)
    .addHelpText('after', SETTINGS);

function addMemberFlags(command: Command, json: string, meaning: string): void {
  command
    .option('--data-dir <folder>', "for what is this process's own (else BOATLOAD_DATA_DIR, else your data folder)", someText)
    .option('-m, --model <model>', 'a model to serve; may be given several times', collect(someText), [])
    .option('--engine <url>', 'an OpenAI-compatible server, or echo; may be given several times', collect(engineAddress), [])
    .addOption(hostFlag())
    .addOption(healthPortFlag())
    .addOption(configFlag())
    .option(json, meaning)
    .configureHelp({ optionDescription: ({ description }) => description });
  takesFiles(command, 'dataDir', 'model', 'config');
}
