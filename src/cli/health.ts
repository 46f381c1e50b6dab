/** `boatload health`: whether a process of this machine or container is ready; for health checks, as there is no curl in a small image. */
import type { Command } from 'commander';
import { messageOf } from '../base/message-of.ts';
import { Problem } from '../base/problem.ts';
import type { CommandContext } from './command.ts';
import { takesFiles } from './completion/completes.ts';
import { EXIT } from './exit.ts';
import { someText } from './flags.ts';
import { configFlag } from './server-flags.ts';

interface HealthFlags {
  readonly url?: string;
  readonly config?: string;
}

/** Adds the command to the program. */
export function addHealthCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('health')
    .summary('ask a server or worker whether it is ready')
    .description('Asks the health port of a server or worker whether it is ready; ends with 0 when it is.')
    .option('--url <url>', 'where its health port is (default: this machine, --health-port as the settings have it)', someText)
    .addOption(configFlag())
    .showHelpAfterError('  See:  boatload health --help')
    .addHelpText('before', 'Examples:\n  boatload health\n  boatload health --url http://127.0.0.1:9090\n');
  takesFiles(command, 'config');
  command.action(async () => {
    context.host.stdout.write(await askHealth(command.opts<HealthFlags>(), context));
    context.finish(EXIT.ok);
  });
}

const PATIENCE_MS = 5_000;

/** What it answers when it is ready; throws a `Problem` when it isn't. */
async function askHealth({ url, config }: HealthFlags, context: CommandContext): Promise<string> {
  const asked = new URL('/readyz', url ?? (await findHealthPort(config, context)));
  const reply = await fetch(asked, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch((cause: unknown) => {
    throw notReady(`${asked.href} does not answer: ${messageOf(cause)}`, cause);
  });
  const text = await reply.text();
  if (reply.ok) return `${text}\n`;
  throw notReady(`${asked.href} says ${reply.status}: ${text}`);
}

async function findHealthPort(config: string | undefined, { roof }: CommandContext): Promise<string> {
  const settings = await (await roof.doors()).config(config === undefined ? {} : { config });
  const port = settings.find(({ name }) => name === 'BOATLOAD_HEALTH_PORT')?.value;
  if (typeof port === 'string') return `http://127.0.0.1:${port}`;
  throw new Problem('INVALID_ARGUMENT', 'No health port is set. Name it: --url http://127.0.0.1:9090, or BOATLOAD_HEALTH_PORT.', {
    reason: 'SETTING_MISSING',
  });
}

const notReady = (message: string, cause?: unknown): Problem =>
  new Problem('UNAVAILABLE', message, { reason: 'NOT_READY', cause });
