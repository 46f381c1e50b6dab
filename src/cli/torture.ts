/** `boatload torture`: its flags. What it does is in `run-torture.ts`, loaded when it is asked for. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CommandContext } from './command.ts';
import { someText, wholeNumberBetween } from './flags.ts';
import type { TortureFlags } from './run-torture.ts';

const EXAMPLES = `Examples:
  boatload torture --seeds 1-20
  boatload torture --seeds 17 --rows 2000
  boatload torture --size fleet --database-url postgres://… --object-store 's3://bucket?endpoint=http://…'
`;

const DESCRIPTION = `Breaks Boatload on purpose on this machine: starts it in a temporary folder, runs jobs, kills and cuts off its processes at moments that the seed
chooses, and has a judge of its own say whether a row was lost, doubled, wrongly keyed or wrongly billed.`;

/** Adds the command to the program. */
export function addTortureCommand(program: Command, context: CommandContext): void {
  program
    .command('torture')
    .summary('break it on purpose, and see what is lost')
    .description(DESCRIPTION)
    .option('--seeds <from-to>', 'the same seed is the same story again (default: 1-10)', seedRange)
    .addOption(
      new Option('--size <size>', 'one process, or API and four workers on --database-url and --object-store')
        .choices(['embedded', 'fleet', 'both'])
        .default('embedded'),
    )
    .option('--rows <n>', 'rows of each seed (default: 20,000)', wholeNumberBetween(10, 10_000_000))
    .option('--at-once <n>', 'seeds that run beside each other (default: 1)', wholeNumberBetween(1, 64))
    .option('--database-url <url>', 'PostgreSQL for the fleet; each seed makes a database of its own', someText)
    .option('--object-store <url>', 'S3 for the fleet; each seed uses a folder of its own', someText)
    .option(
      '--dir <folder>',
      'where seeds have their folders; that of one that went wrong stays (default: a temporary one)',
      someText,
    )
    .option('--json', 'one JSON line on stdout for each seed')
    .showHelpAfterError('  See:  boatload torture --help')
    .addHelpText('before', EXAMPLES)
    .configureHelp({ optionDescription: ({ description }) => description })
    .action(async (flags: TortureFlags) => {
      const { runTorture } = await import('./run-torture.ts');
      context.finish(await runTorture(flags, context));
    });
}

/** `17`, or `1-200`. */
function seedRange(text: string): readonly number[] {
  const [, from, to = from] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === undefined || last < first) throw new InvalidArgumentError('Expected a number or a range, as 1-200.');
  return Array.from({ length: last - first + 1 }, (_, place) => first + place);
}
