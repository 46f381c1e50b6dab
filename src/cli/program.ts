/** The command line: which commands there are, and what happens when one is typed wrong. */
import { Command, CommanderError } from 'commander';
import type { CommandContext } from './command.ts';
import { addCompletionCommand, COMPLETE, printCompletion } from './completion/command.ts';
import { addConfigCommand } from './config.ts';
import { addDoctorCommand } from './doctor.ts';
import type { Roof } from './doors.ts';
import { EXIT, exitCodeOf, explain } from './exit.ts';
import { addFleetCommands } from './fleet.ts';
import { addHealthCommand } from './health.ts';
import type { Host } from './host.ts';
import { addMovingCommands } from './moving.ts';
import { addRunCommand } from './run.ts';
import { wantsColor } from './screen.ts';
import { addShortCommands } from './short/commands.ts';
import { toHost } from './to-host.ts';
import { addTortureCommand } from './torture.ts';
import { addUpCommand } from './up.ts';

const EXAMPLES = `Examples:
  boatload run prompts.jsonl -o answers.jsonl --engine http://127.0.0.1:8000/v1 --model my-model
  boatload run prompts.jsonl -o answers.jsonl --engine echo
  boatload up
  boatload submit prompts.jsonl --model my-model -o answers.jsonl
`;

const FIRECTL = `
All of firectl works, too: boatload dataset create …, boatload list batch-inference-jobs … See: firectl --help
`;

/** Does what the arguments say and answers the exit code; never throws. */
export async function runProgram(host: Host, roof: Roof): Promise<number> {
  let code: number = EXIT.ok;
  const finish = (given: number) => {
    code = given;
  };
  const context = { host, roof, finish };
  const program = makeProgram(context);
  try {
    const [first] = host.args;
    if (first === COMPLETE) return await printCompletion(program, context);
    if (await isFirectl(host, program)) return await (await import('./firectl/run-firectl.ts')).runFirectl(host, roof);
    if (first === undefined) program.outputHelp();
    else if (first === '-v' || first === '--version') await printVersions(host, roof);
    else await program.parseAsync(host.args, { from: 'user' });
    return code;
  } catch (error) {
    // It has been said already: help was printed, or what is wrong with the arguments.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    await explain(error, host);
    return exitCodeOf(error);
  }
}

/** Operations of firectl that begin with the name of one of our commands. */
const FIRECTL_ALL_THE_SAME: ReadonlySet<string> = new Set(['export billing-metrics']);

/** Under the name firectl everything but our own commands is firectl's; under ours, what begins with one of its words and is none of ours. */
async function isFirectl({ name, args }: Host, program: Command): Promise<boolean> {
  const [first = '', second = ''] = args;
  if (FIRECTL_ALL_THE_SAME.has(`${first} ${second}`)) return true;
  // The plural is a noun of firectl's, too: `models list`.
  if (first === 'models' && second !== '' && !second.startsWith('-')) return true;
  const isOurs = program.commands.some((command) => command.name() === first);
  if (name !== 'firectl') return !isOurs && !first.startsWith('-') && (await firstWords()).has(first);
  return !isOurs || (await firstWords()).has(first);
}

const firstWords = async () => (await import('./firectl/operations.ts')).FIRST_WORDS;

function makeProgram(context: CommandContext): Command {
  const program = new Command('boatload')
    .description('Runs a boatload of LLM requests as a job, not as a script.')
    .option('-v, --version', 'versions of boatload, its engine and its database schema')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', FIRECTL)
    .showHelpAfterError('  See:  boatload --help')
    .exitOverride();
  const mark = wantsColor(context.host.env, context.host.stderr) ? '\u001b[31m✗\u001b[39m' : '✗';
  toHost(program, context.host, (message) => `${mark} ${message}`);
  addRunCommand(program, context);
  addUpCommand(program, context);
  addShortCommands(program, context);
  addFleetCommands(program, context);
  addConfigCommand(program, context);
  addMovingCommands(program, context);
  addHealthCommand(program, context);
  addDoctorCommand(program, context);
  addTortureCommand(program, context);
  addCompletionCommand(program, context);
  return program;
}

async function printVersions(host: Host, roof: Roof): Promise<void> {
  const { boatload, engine, schema } = await roof.versions();
  host.stdout.write(`boatload ${boatload}\nengine   ${engine}\nschema   ${schema}\n`);
}
