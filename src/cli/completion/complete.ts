/** What could stand where the Tab key was pressed: read from the same commands that are run. */
import type { Argument, Command, Option } from 'commander';
import { type Completes, completionOf } from './completes.ts';

/** Something that fits, and what it is. */
export interface Candidate {
  readonly value: string;
  readonly about: string;
}

/** Finds values that only the server knows. */
export type FindLive = (what: Exclude<Completes, 'files'>) => Promise<readonly Candidate[]>;

/** `files` leaves it to the shell, which knows them best. */
export type Completion = readonly Candidate[] | 'files';

/** Completes the last of the words that were typed after the program's name; it may be empty. */
export async function complete(program: Command, typed: readonly string[], findLive: FindLive): Promise<Completion> {
  // bash takes --flag=value apart.
  const words = typed.filter((word, at) => word !== '=' || at === typed.length - 1).map((word) => (word === '=' ? '' : word));
  const current = words.at(-1) ?? '';
  const place = walk(program, words.slice(0, -1));
  const [, flag, value] = /^(--[\w-]+)=(.*)$/.exec(current) ?? [];
  if (flag !== undefined && value !== undefined) return completeInline(place.command, { flag, value }, findLive);
  const all = await candidatesAt(place, current, findLive);
  return all === 'files' ? all : all.filter((candidate) => candidate.value.startsWith(current));
}

/** Where in the tree of commands the words lead. */
interface Place {
  readonly command: Command;
  /** A flag that still waits for its value. */
  readonly waiting: Option | undefined;
  /** How many arguments the command has got already. */
  readonly given: number;
}

const walk = (program: Command, words: readonly string[]): Place =>
  words.reduce<Place>(
    ({ command, waiting, given }, word) => {
      if (waiting !== undefined) return { command, waiting: undefined, given };
      if (word.startsWith('-'))
        return { command, waiting: word.includes('=') ? undefined : takesValue(findOption(command, word)), given };
      const inner = given === 0 ? command.commands.find((sub) => sub.name() === word || sub.aliases().includes(word)) : undefined;
      return inner === undefined ? { command, waiting, given: given + 1 } : { command: inner, waiting, given: 0 };
    },
    { command: program, waiting: undefined, given: 0 },
  );

const findOption = (command: Command, word: string): Option | undefined =>
  command.options.find(({ long, short }) => word === long || word === short);

const takesValue = (option: Option | undefined): Option | undefined => (option?.required ? option : undefined);

async function candidatesAt({ command, waiting, given }: Place, current: string, findLive: FindLive): Promise<Completion> {
  if (waiting !== undefined) return valuesOf(waiting, findLive);
  if (current.startsWith('-')) return optionsOf(command);
  const commands = given === 0 ? commandsOf(command) : [];
  const argument = command.registeredArguments[given];
  if (argument === undefined) return commands;
  const values = await valuesOf(argument, findLive);
  return values === 'files' ? values : [...commands, ...values];
}

async function completeInline(
  command: Command,
  { flag, value }: { readonly flag: string; readonly value: string },
  findLive: FindLive,
): Promise<Completion> {
  const option = takesValue(findOption(command, flag));
  const values = option === undefined ? [] : await valuesOf(option, findLive);
  if (values === 'files') return values;
  return values
    .filter((candidate) => candidate.value.startsWith(value))
    .map((candidate) => ({ ...candidate, value: `${flag}=${candidate.value}` }));
}

async function valuesOf(target: Option | Argument, findLive: FindLive): Promise<Completion> {
  if (target.argChoices !== undefined) return target.argChoices.map((value) => ({ value, about: '' }));
  const what = completionOf(target);
  if (what === undefined) return [];
  return what === 'files' ? 'files' : findLive(what);
}

const optionsOf = (command: Command): readonly Candidate[] => [
  ...command.options
    .filter(({ hidden, long }) => !hidden && long)
    .map(({ long, description }) => ({ value: long ?? '', about: description })),
  { value: '--help', about: 'print help' },
];

const commandsOf = (command: Command): readonly Candidate[] =>
  command.commands.map((sub) => ({ value: sub.name(), about: sub.summary() || sub.description() }));
