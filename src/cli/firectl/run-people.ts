/** What the operations on users, API keys, the audit log and bills do. */
import { writeFile } from 'node:fs/promises';
import { Problem } from '../../base/problem.ts';
import type { Client } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import type { NewApiKey, NewUser } from '../../client/people.ts';
import type { ApiKey } from '../../contract/api-key.ts';
import type { AuditLogEntry } from '../../contract/audit-log.ts';
import { withSession } from '../session.ts';
import { toMessage } from './message.ts';
import { argument, type Call, type Flag, textOf } from './operation.ts';
import { type Column, printResource } from './print.ts';
import { formatOf, listOptionsOf, printList } from './run-standard.ts';

/** The server's words for the user of the key, and for all users. */
const [ME, EVERYBODY] = ['me', '-'];

const COLUMNS: readonly Column<ApiKey>[] = [
  ['KEY ID', ({ keyId }) => keyId],
  ['NAME', ({ displayName }) => displayName],
  ['PREFIX', ({ prefix }) => prefix],
  ['EMAIL', ({ email }) => email],
  ['CREATE TIME', ({ createTime }) => createTime],
  ['EXPIRE TIME', ({ expireTime }) => expireTime ?? ''],
  ['LAST USED', ({ lastUsed }) => lastUsed ?? ''],
];

/** `user create`. */
export async function createUser({ host, flags }: Call, own: readonly Flag[]): Promise<void> {
  const { name, ...message } = toMessage(own, flags);
  const print = { format: formatOf(flags), flags: own };
  if (flags['dryRun']) return printResource(host.stdout, { ...(name !== undefined && { name }), ...message }, print);
  const id = textOf(flags, 'userId');
  // The server checks the role.
  const user = await withSession(host, flags, ({ client }) => client.users.create(message as NewUser, { id }));
  printResource(host.stdout, user, print);
}

/** `api-key create`. */
export async function createKey({ host, flags, operation }: Call): Promise<void> {
  const apiKey: NewApiKey = toMessage(operation.flags, flags);
  const print = { format: formatOf(flags), flags: operation.flags };
  if (flags['dryRun']) return printResource(host.stdout, { apiKey }, print);
  const owner = textOf(flags, 'serviceAccount') ?? ME;
  const key = await withSession(host, flags, ({ client }) => client.apiKeys.create(owner, apiKey));
  printResource(host.stdout, key, print);
}

/** `api-key list`. */
export async function listKeys(call: Call): Promise<void> {
  const owner = call.flags['allUsers'] === true ? EVERYBODY : ME;
  await withSession(call.host, call.flags, ({ client }) =>
    printList(call, client.apiKeys.list(owner, listOptionsOf(call.flags)), COLUMNS),
  );
}

/** `api-key delete`: one of your own, or for an admin anybody's. */
export async function deleteKey(call: Call): Promise<void> {
  const { host, flags } = call;
  const keyId = argument(call, 0);
  if (flags['dryRun']) return printResource(host.stdout, { keyId }, { format: formatOf(flags), flags: [] });
  await withSession(host, flags, async ({ client }) => {
    for await (const owner of possibleOwners(client)) if (await deleteKeyOf(client, owner, keyId)) return;
    throw new Problem('NOT_FOUND', `No user that you may see has a key "${keyId}".`, { reason: 'KEY_NOT_FOUND' });
  });
}

async function* possibleOwners(client: Client): AsyncGenerator<string> {
  yield ME;
  for await (const { name } of client.users.list()) yield name;
}

async function deleteKeyOf(client: Client, owner: string, keyId: string): Promise<boolean> {
  try {
    await client.apiKeys.delete(owner, keyId);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}

const AUDIT_COLUMNS: readonly Column<AuditLogEntry>[] = [
  ['TIME', ({ timestamp }) => timestamp],
  ['PRINCIPAL', ({ principal }) => principal],
  ['METHOD', ({ method }) => method],
  ['RESOURCE', ({ resource }) => resource],
  ['STATUS', ({ status }) => status.code],
];

/** `audit-log list`. */
export async function listAuditLogs(call: Call): Promise<void> {
  const { host, flags } = call;
  const span = { startTime: textOf(flags, 'startTime'), endTime: textOf(flags, 'endTime'), email: textOf(flags, 'email') };
  await withSession(host, flags, ({ client }) =>
    printList(call, client.auditLogs.list({ ...listOptionsOf(flags), ...span }), AUDIT_COLUMNS),
  );
}

const DAY_MS = 86_400_000;
/** The server answers so much at once. */
const SPAN_MS = 31 * DAY_MS;
const CSV_COLUMNS = [
  ['email', 'start_time', 'end_time', 'usage_type', 'accelerator_type', 'accelerator_seconds'],
  ['base_model_name', 'model_bucket', 'parameter_count', 'prompt_tokens', 'completion_tokens'],
].flat();

/** `billing export-metrics`. Columns that this server has no figure for stay empty. */
export async function exportMetrics({ host, flags }: Call): Promise<void> {
  const path = textOf(flags, 'filename') ?? 'billing_metrics.csv';
  const end = Date.parse(textOf(flags, 'endTime') ?? host.date().toISOString());
  const start = Date.parse(textOf(flags, 'startTime') ?? new Date(end - 30 * DAY_MS).toISOString());
  const lines = [CSV_COLUMNS.join(',')];
  await withSession(host, flags, async ({ client }) => {
    for (let from = start; from < end; from += SPAN_MS) {
      const span = { startTime: new Date(from).toISOString(), endTime: new Date(Math.min(from + SPAN_MS, end)).toISOString() };
      const { serverlessCosts } = await client.billing.usage(span);
      for (const cost of serverlessCosts)
        lines.push(toCsv({ ...cost, email: '', usage_type: cost.usageType, start_time: cost.startTime, end_time: cost.endTime }));
    }
  });
  await writeFile(path, `${lines.join('\n')}\n`);
  host.stdout.write(`${path}\n`);
}

const toCsv = (cost: Readonly<Record<string, unknown>>): string => {
  const row: Readonly<Record<string, unknown>> = {
    ...cost,
    base_model_name: cost['modelName'],
    prompt_tokens: cost['promptTokens'],
    completion_tokens: cost['completionTokens'],
  };
  return CSV_COLUMNS.map((column) => cell(String(row[column] ?? ''))).join(',');
};

const cell = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
