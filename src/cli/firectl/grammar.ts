/** Commands in both word orders, made from the table of operations: `dataset create` and `create dataset`. */
import { Argument, Command, Option } from 'commander';
import { completes } from '../completion/completes.ts';
import type { Host } from '../host.ts';
import { toHost } from '../to-host.ts';
import { CONNECTION_FLAGS } from './common-flags.ts';
import type { Call, Flag, FlagValues, Noun, Operation } from './operation.ts';
import { NOUNS, PLAIN, VERB_ALIASES } from './operations.ts';

/** What the commands work with. */
export interface FirectlContext {
  readonly host: Host;
  readonly versions: Call['versions'];
  /** Turns commander's words about wrong usage into a line for stderr. */
  readonly toFailure: (message: string) => string;
}

const EXAMPLES = [
  'dataset create my-prompts prompts.jsonl',
  'batch-inference-job create --model my-model --input-dataset-id my-prompts --output-dataset-id my-answers',
  'batch-inference-job get my-job',
  'dataset download my-answers',
];

const OTHERS = 'Other commands:';

const BOTH_ORDERS = `
Both word orders work: "dataset create" and "create dataset"; so do plurals, and bij for batch-inference-job.`;

/** Makes the whole command line. */
export function makeFirectl(context: FirectlContext): Command {
  const { name } = context.host;
  const program = new Command(name)
    .description('Datasets, batch inference jobs, models and people of a server.')
    .enablePositionalOptions()
    .configureHelp({ subcommandTerm: termOf, optionDescription: describeOption })
    .addHelpCommand(new Command('help').argument('[command]').helpOption(false).summary('print help').helpGroup(OTHERS))
    .addHelpText('before', examplesText(name, EXAMPLES))
    .addHelpText('after', BOTH_ORDERS)
    .exitOverride();
  toHost(program, context.host, context.toFailure);
  addFlags(program, CONNECTION_FLAGS);
  addNounsFirst(program, context);
  addVerbsFirst(program, context);
  program.commandsGroup(OTHERS);
  for (const operation of PLAIN) addLeaf(program, operation.verb, { operation, context }).aliases(operation.aliases ?? []);
  return program;
}

/** `--public=false` is Go's way to say no, `--quiet=true` its way to say yes once more. */
export function normalizeSwitches(args: readonly string[]): readonly string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  return args.flatMap((arg, at) => {
    const [, name, value] = /^--([\w-]+)=(true|false)$/.exec(arg) ?? [];
    if (at >= end || name === undefined || !SWITCHES.has(name)) return [arg];
    if (value === 'true') return [`--${name}`];
    return SETTABLE_SWITCHES.has(name) ? [`--no-${name}`] : [];
  });
}

const allFlags = (): readonly Flag[] =>
  [...NOUNS.flatMap(({ operations }) => operations), ...PLAIN].flatMap(({ flags }) => flags);
const isSwitch = ({ flags }: Flag): boolean => !flags.includes('<');
const switchName = ({ flags }: Flag): string => flags.replace(/^.*--/, '');
const SWITCHES: ReadonlySet<string> = new Set(allFlags().filter(isSwitch).map(switchName));
/** Where "no" is something else than not asked. */
const SETTABLE_SWITCHES: ReadonlySet<string> = new Set(
  allFlags()
    .filter((flag) => isSwitch(flag) && flag.field !== undefined)
    .map(switchName),
);

function addNounsFirst(program: Command, context: FirectlContext): void {
  program.commandsGroup('Resources:');
  for (const noun of NOUNS) {
    const parent = addParent(program, noun.name, noun.about).aliases([...new Set([noun.plural, ...noun.aliases])]);
    const examples = noun.operations.flatMap((operation) => operation.examples.slice(0, 1));
    parent.addHelpText('before', examplesText(context.host.name, examples));
    for (const operation of noun.operations) {
      const alias = VERB_ALIASES[operation.verb];
      addLeaf(parent, operation.verb, { operation, context }).aliases(alias === undefined ? [] : [alias]);
    }
  }
}

function addVerbsFirst(program: Command, context: FirectlContext): void {
  program.commandsGroup('The same, verb first:');
  const rows = NOUNS.flatMap((noun) =>
    noun.operations.flatMap((operation) =>
      (operation.older ?? [[operation.verb, noun.name]]).map(([verb = '', word]) => ({ verb, word, operation, noun })),
    ),
  );
  for (const [verb, group] of Map.groupBy(rows, (row) => row.verb)) {
    const [first] = group;
    if (first !== undefined && first.word === undefined) addLeaf(program, verb, { operation: first.operation, context });
    else addVerb(program, verb, { group, context });
  }
}

interface VerbFirst {
  readonly word: string | undefined;
  readonly operation: Operation;
  readonly noun: Noun;
}

/** `create`, and below it what can be created. */
function addVerb(
  program: Command,
  verb: string,
  { group, context }: { readonly group: readonly VerbFirst[]; readonly context: FirectlContext },
): void {
  const words = group.map(({ word = '' }) => word);
  const parent = addParent(program, verb, `${verb} ${words.join(', ')}`);
  if (verb in VERB_ALIASES) parent.alias(VERB_ALIASES[verb] ?? '');
  const examples = group.map(({ word, operation: { examples } }) => (examples[0] ?? '').replace(/^\S+ \S+/, `${verb} ${word}`));
  parent.addHelpText('before', examplesText(context.host.name, examples));
  for (const { word = '', operation, noun } of group)
    addLeaf(parent, word, { operation, context }).aliases(word === noun.name ? [noun.plural, ...noun.aliases] : []);
}

interface Leaf {
  readonly operation: Operation;
  readonly context: FirectlContext;
}

function addParent(program: Command, name: string, summary: string): Command {
  const parent = program.command(name).summary(summary).showHelpAfterError(false);
  addFlags(parent, CONNECTION_FLAGS);
  return parent;
}

function addLeaf(parent: Command, name: string, { operation, context }: Leaf): Command {
  const command = parent
    .command(name)
    .summary(operation.summary)
    .description(`${operation.summary[0]?.toUpperCase()}${operation.summary.slice(1)}.`)
    .addHelpText('before', examplesText(context.host.name, operation.examples));
  for (const { name: argument, about, completes: what } of operation.args)
    command.addArgument(completes(new Argument(argument, about), what));
  addFlags(command, operation.flags);
  command.optionsGroup('Server and account:');
  addFlags(command, CONNECTION_FLAGS);
  return command.action(async () => {
    const flags = collectFlags(command);
    await operation.run({ host: context.host, operation, args: command.args, flags, versions: context.versions });
  });
}

/** Flags may stand before the first word, too; the later one wins. */
const collectFlags = (command: Command): FlagValues =>
  command.parent === null ? command.opts() : { ...collectFlags(command.parent), ...command.opts() };

function addFlags(command: Command, flags: readonly Flag[]): void {
  for (const flag of flags) {
    const option = completes(new Option(flag.flags, flag.about), flag.completes);
    if (flag.parse !== undefined) option.argParser(flag.parse);
    if (flag.choices !== undefined) option.choices([...flag.choices]);
    if (flag.default !== undefined) option.default(flag.default);
    command.addOption(option);
    if (flag.field !== undefined && isSwitch(flag)) command.addOption(new Option(`--no-${switchName(flag)}`).hideHelp());
  }
}

/** Its own help says the rest. */
const termOf = (command: Command): string => command.name();

const describeOption = ({ description, argChoices, defaultValue }: Option): string =>
  argChoices === undefined || defaultValue === undefined ? description : `${description} (default: ${String(defaultValue)})`;

const examplesText = (name: string, examples: readonly string[]): string =>
  `Examples:\n${examples.map((example) => `  ${name} ${example}\n`).join('')}`;
