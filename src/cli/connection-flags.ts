/** The flags of every command that talks to a server. */
import type { Command } from 'commander';
import { someText } from './flags.ts';

/** Adds them under a heading of their own. */
export function addConnectionFlags(command: Command): void {
  command
    .optionsGroup('Server and account:')
    .option('--base-url <url>', 'where the server is (else BOATLOAD_BASE_URL, else the one of this machine)', someText)
    .option('--api-key <key>', 'key (else BOATLOAD_API_KEY)', someText)
    .option('-a, --account-id <id>', 'account (default: that of the key)', someText)
    .option('-p, --profile <name>', 'section of ~/.fireworks/auth.ini to use', someText);
}
