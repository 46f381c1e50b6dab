/** Short commands for people who have a server: their flags. What they do is in a file each, loaded when it is asked for. */
import { Argument, type Command, Option } from 'commander';
import type { CommandContext } from '../command.ts';
import { type Completes, completes } from '../completion/completes.ts';
import { addConnectionFlags } from '../connection-flags.ts';
import { addEngineCommands } from '../engine/commands.ts';
import { someText, wholeNumberBetween } from '../flags.ts';
import { addSettingFlags } from '../setting-flags.ts';

/** A command without its flags. */
interface Definition {
  readonly name: string;
  readonly summary: string;
  readonly args: readonly (readonly [name: string, about: string, completes: Completes | undefined])[];
  readonly examples: readonly string[];
}

const JOB = ['<job>', 'id of the job', 'jobs'] as const;

/** Adds them all to the program. */
export function addShortCommands(program: Command, context: CommandContext): void {
  program.commandsGroup('On a server:');
  addSubmit(program, context);
  addWatch(program, context);
  addResults(program, context);
  addJobs(program, context);
  addJob(program, context);
  addModels(program, context);
  addCancel(program, context);
  addRetry(program, context);
  addLineage(program, context);
  addDiff(program, context);
  addWebhooks(program, context);
  addEngineCommands(program, context);
  program.commandsGroup('Commands:');
}

function addSubmit(program: Command, context: CommandContext): void {
  const command = add(program, {
    name: 'submit',
    summary: 'upload a JSONL file and start a job on it',
    args: [['<file>', 'JSONL file, or a folder of them', 'files']],
    examples: [
      'boatload submit prompts.jsonl --model my-model',
      'boatload submit prompts.jsonl --model my-model --max-tokens 256 -o answers.jsonl    (waits for it)',
    ],
  });
  command
    .addOption(modelOption().makeOptionMandatory())
    .option('--name <id>', 'id of the dataset and the job (default: made from the file)', someText)
    .option('--skip-invalid', 'a bad line becomes a failed row; without this it fails the whole job');
  addFollowFlags(command);
  addSettingFlags(command);
  addConnectionFlags(command);
  command.action(async (file: string) => {
    const { submit } = await import('./submit.ts');
    context.finish(await submit(file, command.opts(), context.host));
  });
}

function addWatch(program: Command, context: CommandContext): void {
  const command = add(program, {
    name: 'watch',
    summary: 'follow a job until it has ended',
    args: [JOB],
    examples: ['boatload watch my-job'],
  });
  addConnectionFlags(command);
  command.action(async (job: string) => {
    const { watch } = await import('./watch.ts');
    context.finish(await watch(job, command.opts(), context.host));
  });
}

function addResults(program: Command, context: CommandContext): void {
  const command = add(program, {
    name: 'results',
    summary: 'download the answers of a job; of a job that continues another, those of the whole chain',
    args: [JOB],
    examples: ['boatload results my-job -o answers.jsonl', 'boatload results my-job --follow | jq .response    (while it runs)'],
  });
  command.addOption(
    completes(
      new Option('-o, --output <file>', 'where the answers go (default: stdout); failed rows go beside it').argParser(someText),
      'files',
    ),
  );
  command.option('--follow', 'of a job that still runs: go on until it has ended (default: what is committed so far)');
  addForceFlag(command);
  addConnectionFlags(command);
  command.action(async (job: string) => {
    const { results } = await import('./results.ts');
    await results(job, command.opts(), context.host);
  });
}

function addJobs(program: Command, context: CommandContext): void {
  const command = add(program, {
    name: 'jobs',
    summary: 'list jobs, the newest first',
    args: [],
    examples: ['boatload jobs', 'boatload jobs --filter \'state = "RUNNING"\' -n 5'],
  });
  command
    .option('-n <count>', 'how many at most', wholeNumberBetween(1, 200), 20)
    .option('--filter <filter>', 'AIP-160 filter', someText)
    .option('--json', 'one JSON line for each');
  addConnectionFlags(command);
  command.action(async () => {
    const { jobs } = await import('./jobs.ts');
    await jobs(command.opts(), context.host);
  });
}

function addModels(program: Command, context: CommandContext): void {
  const command = add(program, {
    name: 'models',
    summary: 'list the models that can run here, and those that can be added',
    args: [],
    examples: ['boatload models', 'boatload model pull qwen3-0p6b    (adds one)'],
  });
  command.option('--json', 'one JSON line for each');
  addConnectionFlags(command);
  command.action(async () => {
    const { models } = await import('./models.ts');
    await models(command.opts(), context.host);
  });
}

function addJob(program: Command, context: CommandContext): void {
  const command = add(program, {
    name: 'job',
    summary: 'show a job',
    args: [JOB],
    examples: ['boatload job my-job', 'boatload job my-job --why'],
  });
  command.option('--why', 'why it is where it is, and what happened to it').option('--json', 'as JSON');
  addConnectionFlags(command);
  command.action(async (job: string) => {
    const { showJob } = await import('./job.ts');
    await showJob(job, command.opts(), context.host);
  });
}

function addCancel(program: Command, context: CommandContext): void {
  const command = add(program, {
    name: 'cancel',
    summary: 'stop a job; finished rows are kept',
    args: [JOB],
    examples: ['boatload cancel my-job'],
  });
  addConnectionFlags(command);
  command.action(async (job: string) => {
    const { cancel } = await import('./cancel.ts');
    await cancel(job, command.opts(), context.host);
  });
}

function addRetry(program: Command, context: CommandContext): void {
  const command = add(program, {
    name: 'retry',
    summary: 'start a job for the rows that an ended one left unfinished or failed',
    args: [JOB],
    examples: ['boatload retry my-job', 'boatload retry my-job --model my-larger-model --max-tokens 1024 --wait'],
  });
  command.addOption(modelOption()).option('--name <id>', 'id of the new job (default: made up)', someText);
  addFollowFlags(command);
  addSettingFlags(command);
  addConnectionFlags(command);
  command.action(async (job: string) => {
    const { retry } = await import('./retry.ts');
    context.finish(await retry(job, command.opts(), context.host));
  });
}

function addLineage(program: Command, context: CommandContext): void {
  const command = add(program, {
    name: 'lineage',
    summary: 'show the chain of jobs that a job or a dataset belongs to, and how much of the input it has answered',
    args: [['<job-or-dataset>', 'id of either', 'jobs']],
    examples: ['boatload lineage my-job', 'boatload lineage my-answers'],
  });
  command.option('--json', 'as JSON');
  addConnectionFlags(command);
  command.action(async (name: string) => {
    const { lineage } = await import('./lineage.ts');
    await lineage(name, command.opts(), context.host);
  });
}

function addDiff(program: Command, context: CommandContext): void {
  const command = add(program, {
    name: 'diff',
    summary: 'show the rows that two jobs answered differently',
    args: [
      ['<job-a>', 'id of a job', 'jobs'],
      ['<job-b>', 'id of another job on the same rows', 'jobs'],
    ],
    examples: ['boatload diff small-model-job large-model-job', 'boatload diff job-a job-b --json | jq .custom_id'],
  });
  command
    .option('-n <count>', 'how many differences to show at most', wholeNumberBetween(0, 1_000_000), 20)
    .option('--json', 'one JSON line for each difference, all of them');
  addConnectionFlags(command);
  command.action(async (a: string, b: string) => {
    const { diff } = await import('./diff.ts');
    context.finish(await diff([a, b], command.opts(), context.host));
  });
}

function addWebhooks(program: Command, context: CommandContext): void {
  const command = add(program, {
    name: 'webhooks',
    summary: 'show and change who is told when jobs end',
    args: [['[webhook]', 'id of a webhook (default: list them all)', undefined]],
    examples: [
      'boatload webhooks',
      'boatload webhooks --add https://example.com/hook --name ops    (prints its secret)',
      'boatload webhooks ops --test',
    ],
  });
  command
    .addOption(new Option('--add <url>', 'make one').argParser(someText))
    .option('--name <id>', 'id of the new one (default: made up)', someText)
    .option('--test', 'send it a made-up event')
    .option('--delete', 'delete it with its log');
  addConnectionFlags(command);
  command.action(async (webhook: string | undefined) => {
    const { webhooks } = await import('./webhooks.ts');
    await webhooks(webhook, command.opts(), context.host);
  });
}

function add(program: Command, { name, summary, args, examples }: Definition): Command {
  const command = program
    .command(name)
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    .showHelpAfterError(`  See:  boatload ${name} --help`)
    .addHelpText('before', `Examples:\n${examples.map((example) => `  ${example}\n`).join('')}`);
  for (const [argument, about, what] of args)
    command.addArgument(completes(new Argument(argument, about).argParser(someText), what));
  return command;
}

const modelOption = (): Option => completes(new Option('-m, --model <model>', 'who answers').argParser(someText), 'models');

function addFollowFlags(command: Command): void {
  command
    .option('--wait', 'follow it until it has ended')
    .addOption(completes(new Option('-o, --output <file>', 'wait, and put the answers there').argParser(someText), 'files'))
    .option('--allow-failures', 'exit with 0 although rows failed');
  addForceFlag(command);
}

function addForceFlag(command: Command): void {
  command.option('--force', 'write over what stands at -o');
}
