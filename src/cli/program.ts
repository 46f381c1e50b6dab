/** The command line: which commands there are, and what happens when one is typed wrong. */
import { Command, CommanderError } from 'commander';
import type { CommandContext } from './command.ts';
import type { Roof } from './doors.ts';
import { EXIT, exitCodeOf, explain } from './exit.ts';
import type { Host } from './host.ts';
import { addRunCommand } from './run.ts';
import { wantsColor } from './screen.ts';
import { addUpCommand } from './up.ts';

const EXAMPLES = `Examples:
  boatload run prompts.jsonl -o answers.jsonl --engine http://127.0.0.1:8000/v1 --model my-model
  boatload run prompts.jsonl -o answers.jsonl --engine echo
  boatload up
`;

/** Does what the arguments say and answers the exit code; never throws. */
export async function runProgram(host: Host, roof: Roof): Promise<number> {
  let code: number = EXIT.ok;
  const program = makeProgram({
    host,
    roof,
    finish: (given) => {
      code = given;
    },
  });
  try {
    const [first] = host.args;
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

function makeProgram(context: CommandContext): Command {
  const program = new Command('boatload')
    .description('Runs a boatload of LLM requests as a job, not as a script.')
    .option('-v, --version', 'versions of boatload, its engine and its database schema')
    .addHelpText('before', EXAMPLES)
    .showHelpAfterError('  See:  boatload --help')
    .exitOverride();
  toHost(program, context.host);
  addRunCommand(program, context);
  addUpCommand(program, context);
  return program;
}

function toHost(program: Command, { env, stdout, stderr }: Host): void {
  const mark = wantsColor(env, stderr) ? '\u001b[31m✗\u001b[39m' : '✗';
  program.configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
    outputError: (text, write) => write(text.replace(/^error:/, mark)),
    getOutHelpWidth: () => stdout.columns ?? 100,
    getErrHelpWidth: () => stderr.columns ?? 100,
    getOutHasColors: () => wantsColor(env, stdout),
    getErrHasColors: () => wantsColor(env, stderr),
  });
}

async function printVersions(host: Host, roof: Roof): Promise<void> {
  const { boatload, engine, schema } = await roof.versions();
  host.stdout.write(`boatload ${boatload}\nengine   ${engine}\nschema   ${schema}\n`);
}
