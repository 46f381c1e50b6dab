/** `boatload run`: its flags. What it does is in `start-run.ts`, loaded when it is asked for. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CommandContext } from './command.ts';
import { takesFiles } from './completion/completes.ts';
import { engineAddress, someText, wholeNumberBetween } from './flags.ts';
import { addSettingFlags } from './setting-flags.ts';
import type { RunFlags } from './start-run.ts';

const EXAMPLES = `Examples:
  boatload run prompts.jsonl -o answers.jsonl --engine http://127.0.0.1:8000/v1 --model my-model
  boatload run prompts.jsonl -o answers.jsonl --model ./my-model.gguf --max-tokens 256
  boatload run prompts.jsonl --estimate --model ./my-model.gguf --sample 8
  boatload run prompts.jsonl -o answers.jsonl --engine echo             (no model: does my file run?)
  boatload run prompts.jsonl -o answers.jsonl --engine echo --resume    (go on, or retry what failed)
  cat prompts.jsonl | boatload run - -o - --engine echo | jq .response
`;

const ENDS = `
Exit codes: 0 every row succeeded · 1 failure · 2 wrong usage or input · 3 finished with failed rows
            4 key refused · 5 not found · 6 out of time · 130 stopped by Ctrl-C`;

/** Adds the command to the program. */
export function addRunCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('run')
    .summary('answer every row of a JSONL file')
    .description('Answers every row of a JSONL file. Ctrl-C saves and stops; --resume goes on.')
    .argument('<input>', 'JSONL file, or - for stdin', someText)
    .option('-o, --output <file>', 'where the answers go, or - for stdout', someText)
    .showHelpAfterError('  See:  boatload run --help')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', ENDS);
  addEngineFlags(command);
  addSettingFlags(command);
  addRunFlags(command);
  takesFiles(command, 'input', 'output', 'model', 'engineKeyFile');
  command.action(async (input: string) => {
    const flags = command.opts<RunFlags>();
    if (flags.output === undefined && flags.estimate !== true)
      command.error("error: required option '-o, --output <file>' not specified");
    const clash = clashOf(input, flags);
    if (clash !== undefined) command.error(`error: ${clash}`);
    const { startRun } = await import('./start-run.ts');
    context.finish(await startRun({ input, flags }, context));
  });
}

function addEngineFlags(command: Command): void {
  command
    .optionsGroup('Who answers:')
    .option('-m, --model <model>', 'a name, a path of a .gguf file, or hf:…', someText)
    .option('--engine <url>', 'an OpenAI-compatible server, or echo', engineAddress)
    .option('--engine-key-file <file>', "the server's key, - for stdin (else BOATLOAD_ENGINE_KEY)", someText)
    .option('--concurrency <n>', 'requests in flight (default: found while it runs)', wholeNumberBetween(1, 100_000));
}

function addRunFlags(command: Command): void {
  command
    .optionsGroup('The run:')
    .option('--resume', 'the same command again: its answers stay, the rest runs')
    .option('--keep', "keep the run's folder even when every row succeeded")
    .option('--allow-failures', 'exit with 0 although rows failed')
    .option('--estimate', 'tell the tokens, time and cost instead; answers nothing')
    .option(
      '--sample <n>',
      'with --estimate: answer so many rows, spread over the file, to tell more',
      wholeNumberBetween(1, 1_000),
    )
    .option('--json', 'one summary object on stdout')
    .option('-y, --yes', 'say yes to every question');
}

/** Flags that are fine alone and not together. */
function clashOf(input: string, { output = '', json, engineKeyFile, estimate, sample }: RunFlags): string | undefined {
  if (estimate === true && input === '-') return '--estimate reads its input twice; give it a file';
  if (sample !== undefined && estimate !== true) return '--sample belongs to --estimate';
  if (output === '-' && json === true)
    return 'both -o - and --json write to stdout; give the answers a file, or leave out --json';
  if (input === '-' && engineKeyFile === '-') return "stdin can't be both the input and the engine's key";
  if (input !== '-' && output !== '' && resolve(input) === resolve(output))
    return 'the answers would overwrite the input; give -o another file';
  return undefined;
}
