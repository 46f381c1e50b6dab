/** Operations that every resource has, as rows of the table. */
import type { Client } from '../../client/client.ts';
import type { Completes } from '../completion/completes.ts';
import { DRY_RUN, LIST_FLAGS, OUTPUT, waitFlags } from './common-flags.ts';
import type { Argument, Flag, Operation } from './operation.ts';
import type { Column } from './print.ts';

/** What the rows need to know of a resource. */
export interface Kind<T> {
  readonly noun: string;
  /** In a sentence: `batch inference job`. */
  readonly words: string;
  readonly collection: keyof Client;
  readonly completes?: Completes;
  /** Flags of its creation, which `-o flag` prints. */
  readonly flags: readonly Flag[];
  readonly columns: readonly Column<T>[];
}

/** `<id>`: an id or a full name. */
export const idArgument = ({ words, completes }: Pick<Kind<never>, 'words' | 'completes'>): Argument => ({
  name: '<id>',
  about: `id or full name of the ${words}`,
  ...(completes && { completes }),
});

/** `get <id>`. */
export const getRow = <T extends object>(kind: Kind<T>): Operation => ({
  verb: 'get',
  summary: `print a ${kind.words}`,
  args: [idArgument(kind)],
  flags: [OUTPUT, DRY_RUN],
  examples: [`${kind.noun} get my-${kind.noun}`],
  run: async (call) => (await import('./run-standard.ts')).getOne(call, kind),
});

/** `list`. */
export const listRow = <T extends object>(kind: Kind<T>): Operation => ({
  verb: 'list',
  summary: `print all ${kind.words}s of an account`,
  args: [],
  flags: LIST_FLAGS,
  examples: [`${kind.noun} list`, `${kind.noun} list --page-size 20 --page-token 1`],
  run: async (call) => (await import('./run-standard.ts')).listAll(call, kind),
});

/** `delete <id>`. */
export const deleteRow = <T extends object>(kind: Kind<T>): Operation => ({
  verb: 'delete',
  summary: `delete a ${kind.words}`,
  args: [idArgument(kind)],
  flags: [...waitFlags('wait until it is gone'), OUTPUT, DRY_RUN],
  examples: [`${kind.noun} delete my-${kind.noun}`],
  run: async (call) => (await import('./run-standard.ts')).deleteOne(call, kind),
});

/** `update <id>`; its flags are those that can change. */
export const updateRow = <T extends object>(kind: Kind<T>, flags: readonly Flag[]): Operation => ({
  verb: 'update',
  summary: `change a ${kind.words}`,
  args: [idArgument(kind)],
  flags: [...flags, OUTPUT, DRY_RUN],
  examples: [`${kind.noun} update my-${kind.noun} ${exampleOf(flags[0])}`],
  run: async (call) => (await import('./run-standard.ts')).updateOne(call, kind),
});

const exampleOf = (flag: Flag | undefined): string => (flag?.flags ?? '').replace('<n>', '100').replace(/<.*>/, '"A name"');
