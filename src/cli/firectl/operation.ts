/** What a row of firectl's table of operations says. */
import type { Completes } from '../completion/completes.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { Host } from '../host.ts';

/** A flag, in commander's spelling. */
export interface Flag {
  /** `-d, --input-dataset-id <id>`; without a placeholder it is a switch. */
  readonly flags: string;
  readonly about: string;
  readonly parse?: (text: string) => unknown;
  readonly choices?: readonly string[];
  readonly default?: unknown;
  /** Where its value goes in the request message, and where it is found in the resource: `inferenceParameters.maxTokens`. */
  readonly field?: string;
  readonly completes?: Completes;
}

/** `<id>` must be given, `[path]` may. */
export interface Argument {
  readonly name: string;
  readonly about: string;
  readonly completes?: Completes;
}

/** One operation; both word orders and all aliases are made from it. */
export interface Operation {
  /** The second word of `dataset create`, and the first of `create dataset`. */
  readonly verb: string;
  /** For the older order, when that isn't verb and noun: `prepare-model`; empty where there is none. */
  readonly older?: readonly (readonly string[])[];
  readonly summary: string;
  readonly args: readonly Argument[];
  readonly flags: readonly Flag[];
  /** What follows the program's name in examples, nouns first. */
  readonly examples: readonly string[];
  /** Loads what it needs when it is called. */
  readonly run: (call: Call) => Promise<void>;
}

/** A kind of resource. */
export interface Noun {
  readonly name: string;
  readonly plural: string;
  readonly aliases: readonly string[];
  readonly about: string;
  readonly operations: readonly Operation[];
}

/** Values of flags by their camel-case names. */
export type FlagValues = Readonly<Record<string, unknown>>;

/** An operation that was asked for. */
export interface Call {
  readonly host: Host;
  readonly operation: Operation;
  readonly args: readonly (string | undefined)[];
  readonly flags: FlagValues & ConnectionFlags;
  readonly versions: () => Promise<Readonly<Record<string, string>>>;
}

/** An argument that commander has made sure of. */
export const argument = ({ args }: Call, at: number): string => args[at] ?? '';

/** A flag's text, when it was given. */
export const textOf = (flags: FlagValues, name: string): string | undefined =>
  typeof flags[name] === 'string' ? flags[name] : undefined;
