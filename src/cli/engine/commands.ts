/** `boatload engine …`: its commands and their flags. What they do is loaded when it is asked for. */
import { Argument, type Command, InvalidArgumentError } from 'commander';
import type { CommandContext } from '../command.ts';
import { completes, takesFiles } from '../completion/completes.ts';
import { addConnectionFlags } from '../connection-flags.ts';
import { collect, someText, wholeNumberBetween } from '../flags.ts';
import type { ModelFlag } from './engine.ts';

const MOST = 100_000_000;
const EXAMPLES = `Examples:
  boatload engine add http://gpu-1:8000/v1
  boatload engine add https://api.example.com/v1 --key-file key.txt --model big-model-2026=big --rpm 500
  boatload engine list
  boatload engine drain gpu-1-8000
`;

/** Adds them to the program. */
export function addEngineCommands(program: Command, context: CommandContext): void {
  const group = program
    .command('engine')
    .summary('add, list, drain and remove what answers the rows of jobs')
    .description('Engines that all processes of a server share. A change is seen within seconds. For admins.')
    .showHelpAfterError('  See:  boatload engine --help')
    .addHelpText('before', EXAMPLES);
  addAdd(group, context);
  addUpdate(group, context);
  addList(group, context);
  addGet(group, context);
  addTest(group, context);
  addMove(group, context, ['drain', 'let an engine finish what it has and give it nothing new']);
  addMove(group, context, ['resume', 'let a drained engine go on']);
  addMove(group, context, ['remove', 'forget an engine; what it works on may finish']);
}

function addAdd(group: Command, context: CommandContext): void {
  const command = add(group, 'add', 'add an engine; it is asked what it serves')
    .addArgument(new Argument('<url>', 'where it is: http://gpu-1:8000/v1').argParser(someText))
    .option('--name <id>', 'id of the engine (default: made from its address)', someText);
  addWishFlags(command, 'file with the key that it wants, - for stdin (else BOATLOAD_ENGINE_KEY)');
  addConnectionFlags(command);
  command.action(async (url: string) => {
    const { addEngine } = await import('./engine.ts');
    await addEngine(url, command.opts(), context.host);
  });
}

function addUpdate(group: Command, context: CommandContext): void {
  const command = addNamed(group, 'update', 'change an engine; what is not given stays').option(
    '--url <url>',
    'where it is',
    someText,
  );
  addWishFlags(command, 'file with its new key, - for stdin');
  addConnectionFlags(command);
  command.action(async (name: string) => {
    const { updateEngine } = await import('./engine.ts');
    await updateEngine(name, command.opts(), context.host);
  });
}

function addList(group: Command, context: CommandContext): void {
  const command = add(group, 'list', 'list engines and how they are').option('--json', 'one JSON line for each');
  addConnectionFlags(command);
  command.action(async () => {
    const { listEngines } = await import('./engine.ts');
    await listEngines(command.opts(), context.host);
  });
}

function addGet(group: Command, context: CommandContext): void {
  const command = addNamed(group, 'get', 'show an engine, its models, and how each process finds it').option('--json', 'as JSON');
  addConnectionFlags(command);
  command.action(async (name: string) => {
    const { showEngine } = await import('./engine.ts');
    await showEngine(name, command.opts(), context.host);
  });
}

function addTest(group: Command, context: CommandContext): void {
  const command = addNamed(group, 'test', 'ask an engine what it is, and one token').option(
    '-m, --model <model>',
    'which of its models (default: the first)',
    someText,
  );
  addConnectionFlags(command);
  command.action(async (name: string) => {
    const { testEngine } = await import('./engine.ts');
    context.finish(await testEngine(name, command.opts(), context.host));
  });
}

function addMove(
  group: Command,
  context: CommandContext,
  [verb, summary]: readonly ['drain' | 'resume' | 'remove', string],
): void {
  const command = addNamed(group, verb, summary);
  addConnectionFlags(command);
  command.action(async (name: string) => {
    const { moveEngine } = await import('./engine.ts');
    await moveEngine({ verb, name }, command.opts(), context.host);
  });
}

const add = (group: Command, name: string, summary: string): Command =>
  group
    .command(name)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    .showHelpAfterError(`  See:  boatload engine ${name} --help`);

const addNamed = (group: Command, name: string, summary: string): Command =>
  add(group, name, summary).addArgument(completes(new Argument('<engine>', 'id of the engine').argParser(someText), 'engines'));

function addWishFlags(command: Command, keyAbout: string): void {
  command
    .option('--key-file <file>', keyAbout, someText)
    .option(
      '-m, --model <served[=name]>',
      'a model of it, and how jobs name it; may be given several times (default: all)',
      collect(modelFlag),
      [],
    )
    .option('--limit <n>', 'requests at once, per process and model; 0: found while it runs', wholeNumberBetween(0, MOST))
    .option('--rpm <n>', 'most requests a minute, of all processes; 0: no bound', wholeNumberBetween(0, MOST))
    .option('--tpm <n>', 'most tokens a minute, of all processes; 0: no bound', wholeNumberBetween(0, MOST))
    .option('--anyway', 'keep it although it does not answer now')
    .option('--json', 'as JSON')
    .configureHelp({ optionDescription: ({ description }) => description });
  takesFiles(command, 'keyFile');
}

function modelFlag(text: string): ModelFlag {
  const at = text.lastIndexOf('=');
  const [servedAs, model] = at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  if (servedAs !== '' && model !== '') return { servedAs, ...(model !== undefined && { model }) };
  throw new InvalidArgumentError("Expected the engine's name of a model, or that and yours: served=name.");
}
