/** `boatload export` and `import`: their flags. What they do is in `move.ts`, loaded when it is asked for. */
import type { Command } from 'commander';
import type { CommandContext } from './command.ts';
import { takesFiles } from './completion/completes.ts';
import { someText } from './flags.ts';
import { configFlag } from './server-flags.ts';

const PLACES = `
The place is the server in --data-dir; without that flag, the fleet of DATABASE_URL, OBJECT_STORE and BOATLOAD_SECRET where these are set; else the
server in your data folder. The archive holds everything, its secret too: keep it as safe as the installation.
`;

/** Adds both to the program. */
export function addMovingCommands(program: Command, context: CommandContext): void {
  program.commandsGroup('Moving house:');
  addExport(program, context);
  addImport(program, context);
  program.commandsGroup('Commands:');
}

function addExport(program: Command, context: CommandContext): void {
  const command = add(program, 'export', 'write a whole installation into an archive', [
    'boatload export ./archive',
    'boatload export ./archive --data-dir /srv/boatload',
  ]).option(
    '--while-running',
    'do not refuse while others are connected to the database; what they do from now on is not exported',
  );
  command.action(async (archive: string) => {
    const { move } = await import('./move.ts');
    context.finish(await move('exportTo', { ...command.opts(), archive }, context));
  });
}

function addImport(program: Command, context: CommandContext): void {
  const command = add(program, 'import', 'bring an archive into a new, empty installation, of any size', [
    'boatload import ./archive --data-dir /srv/boatload',
    'BOATLOAD_SECRET_FILE=./archive/secret DATABASE_URL=postgres://… OBJECT_STORE=s3://… boatload import ./archive',
  ]).option('--new-secret', "keep the place's own secret: webhooks then sign anew, and keys of engines have to be given again");
  command.action(async (archive: string) => {
    const { move } = await import('./move.ts');
    context.finish(await move('importFrom', { ...command.opts(), archive }, context));
  });
}

function add(program: Command, name: string, summary: string, examples: readonly string[]): Command {
  const command = program
    .command(name)
    .argument('<archive>', "the archive's folder")
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    .option('--data-dir <folder>', 'where a server of one machine keeps everything', someText)
    .addOption(configFlag())
    .option('--json', 'one JSON line on stdout: archive, rows, objects, bytes, unfinishedJobs')
    .showHelpAfterError(`  See:  boatload ${name} --help`)
    .addHelpText('before', `Examples:\n${examples.map((example) => `  ${example}\n`).join('')}`)
    .addHelpText('after', PLACES);
  takesFiles(command, 'dataDir', 'config');
  return command;
}
