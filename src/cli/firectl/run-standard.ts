/** What get, list, delete and update do, the same for every resource. */
import type { Client } from '../../client/client.ts';
import type { Listing } from '../../client/pages.ts';
import { waitUntilGone } from '../../client/wait.ts';
import { withSession } from '../session.ts';
import { DEFAULT_WAIT_MS } from './common-flags.ts';
import { toMessage } from './message.ts';
import { argument, type Call, type FlagValues, textOf } from './operation.ts';
import { type Format, printResource, printTable } from './print.ts';
import type { Kind } from './standard.ts';

/** What the client offers for a resource, as far as it does. */
interface Verbs<T> {
  get(name?: string): Promise<T>;
  list(options: object): Listing<T>;
  update(name: string, patch: object): Promise<T>;
  delete(name: string): Promise<void>;
}

/** The table pairs every kind with the collection that it is of. */
const verbsOf = <T>(client: Client, kind: Kind<T>): Verbs<T> => client[kind.collection] as unknown as Verbs<T>;

/** `-o`. */
export const formatOf = (flags: FlagValues): Format => (textOf(flags, 'output') ?? 'text') as Format; // One of its choices.

/** `get`. */
export async function getOne<T extends object>(call: Call, kind: Kind<T>): Promise<void> {
  const { host, flags, args } = call;
  if (flags['dryRun']) return printResource(host.stdout, { name: args[0] ?? '' }, { format: formatOf(flags), flags: kind.flags });
  const resource = await withSession(host, flags, ({ client }) => verbsOf(client, kind).get(args[0]));
  printResource(host.stdout, resource, { format: formatOf(flags), flags: kind.flags });
}

/** `update`. */
export async function updateOne<T extends object>(call: Call, kind: Kind<T>): Promise<void> {
  const { host, flags, operation } = call;
  const patch = toMessage(operation.flags, flags);
  const print = { format: formatOf(flags), flags: kind.flags };
  if (flags['dryRun']) return printResource(host.stdout, { name: argument(call, 0), ...patch }, print);
  const resource = await withSession(host, flags, ({ client }) => verbsOf(client, kind).update(argument(call, 0), patch));
  printResource(host.stdout, resource, print);
}

/** `delete`. */
export async function deleteOne<T extends object>(call: Call, kind: Kind<T>): Promise<void> {
  const { host, flags } = call;
  const name = argument(call, 0);
  if (flags['dryRun']) return printResource(host.stdout, { name }, { format: formatOf(flags), flags: [] });
  await withSession(host, flags, async ({ client }) => {
    const verbs = verbsOf(client, kind);
    await verbs.delete(name);
    if (flags['wait']) await waitUntilGone(() => verbs.get(name), { timeoutMs: waitTimeoutOf(flags) });
  });
}

/** `--wait-timeout`. */
export const waitTimeoutOf = (flags: FlagValues): number =>
  typeof flags['waitTimeout'] === 'number' ? flags['waitTimeout'] : DEFAULT_WAIT_MS;

/** `list`. */
export async function listAll<T extends object>(call: Call, kind: Kind<T>): Promise<void> {
  const { host, flags } = call;
  await withSession(host, flags, ({ client }) => printList(call, verbsOf(client, kind).list(listOptionsOf(flags)), kind.columns));
}

/** `--filter`, `--order-by` and the size of a page. */
export const listOptionsOf = (flags: FlagValues) => ({
  filter: textOf(flags, 'filter'),
  orderBy: textOf(flags, 'orderBy'),
  pageSize: flags['paginate'] === false ? 200 : typeof flags['pageSize'] === 'number' ? flags['pageSize'] : undefined,
});

/** Prints the page that was asked for, or all of it. */
export async function printList<T extends object>(
  { host, flags }: Call,
  listing: Listing<T>,
  columns: Kind<T>['columns'],
): Promise<void> {
  const { entries, next } =
    flags['paginate'] === false ? { entries: await collect(listing), next: undefined } : await findPage(listing, pageOf(flags));
  if (textOf(flags, 'output') === 'json') host.stdout.write(`${JSON.stringify(entries, null, 2)}\n`);
  else printTable(host.stdout, entries, columns);
  if (next !== undefined) host.stderr.write(`There is more: --page-token ${next}, or --no-paginate for all.\n`);
}

const pageOf = (flags: FlagValues): number => (typeof flags['pageToken'] === 'number' ? flags['pageToken'] : 0);

/** firectl counts pages from 0; the API leads from each one to the next. */
async function findPage<T>(
  listing: Listing<T>,
  wanted: number,
): Promise<{ readonly entries: readonly T[]; readonly next: number | undefined }> {
  let number = 0;
  for await (const { entries, isLast } of listing.pages()) {
    if (number === wanted) return { entries, next: isLast ? undefined : number + 1 };
    number += 1;
  }
  return { entries: [], next: undefined };
}

async function collect<T>(listing: Listing<T>): Promise<readonly T[]> {
  const entries: T[] = [];
  for await (const entry of listing) entries.push(entry);
  return entries;
}
