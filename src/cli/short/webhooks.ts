/** `boatload webhooks`. */
import type { Webhook, WebhookDelivery } from '../../contract/webhook.ts';
import type { ConnectionFlags } from '../connection.ts';
import { formatDuration } from '../figures.ts';
import { idOf } from '../firectl/message.ts';
import { type Column, printTable } from '../firectl/print.ts';
import type { Host } from '../host.ts';
import { openScreen } from '../screen.ts';
import { withSession } from '../session.ts';

/** Its flags as they were given. */
export interface WebhooksFlags extends ConnectionFlags {
  readonly add?: string;
  readonly name?: string;
  readonly test?: true;
  readonly delete?: true;
}

/** Lists webhooks, or how it went with one of them; makes one, tests one, deletes one. */
export const webhooks = (name: string | undefined, flags: WebhooksFlags, host: Host): Promise<void> =>
  withSession(host, flags, async ({ client: { webhooks: all } }) => {
    const nowMs = host.date().getTime();
    if (flags.add !== undefined) return showNew(await all.create({ url: flags.add }, { id: flags.name }), host);
    if (name === undefined) return printTable(host.stdout, await Array.fromAsync(all.list()), WEBHOOKS);
    if (flags.delete) return all.delete(name);
    if (flags.test) await all.test(name);
    for await (const { entries } of all.deliveries(name).pages()) return printTable(host.stdout, entries, deliveriesAt(nowMs));
  });

/** The secret is what programs want: it alone is on stdout. */
async function showNew({ name, secret }: Webhook, host: Host): Promise<void> {
  const screen = await openScreen(host);
  screen.line(`${screen.colors.green('✓')} ${idOf(name)} is told when jobs end; its secret is shown this once`);
  screen.line(`  try it:  boatload webhooks ${idOf(name)} --test`);
  host.stdout.write(`${secret}\n`);
}

const WEBHOOKS: readonly Column<Webhook>[] = [
  ['WEBHOOK', ({ name }) => idOf(name)],
  [
    'STATE',
    ({ enabled, disabledReason, failingSince }) => (enabled ? (failingSince ? 'failing' : 'on') : disabledReason || 'off'),
  ],
  ['EVENTS', ({ events }) => events.map((event) => event.replace('batch.', '')).join(', ')],
  ['URL', ({ url }) => url],
];

const deliveriesAt = (nowMs: number): readonly Column<WebhookDelivery>[] => [
  ['EVENT', ({ type }) => type],
  ['JOB', ({ batchId }) => batchId.replace('batch_', '')],
  ['STATE', ({ state }) => state],
  ['ATTEMPTS', ({ attempts }) => String(attempts.length)],
  ['LAST ANSWER', ({ attempts }) => attempts.at(-1)?.error || String(attempts.at(-1)?.statusCode ?? '')],
  ['AGE', ({ createTime }) => formatDuration(Math.max(0, nowMs - Date.parse(createTime)))],
];
