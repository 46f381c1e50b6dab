/** Flags that many operations share. */
import { someText, wholeNumberBetween } from '../flags.ts';
import type { Flag } from './operation.ts';
import { durationMs } from './values.ts';

/** Of every operation. */
export const CONNECTION_FLAGS: readonly Flag[] = [
  { flags: '-a, --account-id <id>', about: 'account (default: account_id of ~/.fireworks/auth.ini)', parse: someText },
  { flags: '--api-key <key>', about: 'key for this call', parse: someText },
  { flags: '-p, --profile <name>', about: 'section of auth.ini and settings.ini to use', parse: someText },
  { flags: '--base-url <url>', about: 'where the server is (default: the one of this machine)', parse: someText },
];

/** Of what answers one resource. */
export const OUTPUT: Flag = {
  flags: '-o, --output <format>',
  about: 'text, json, or flag: as the flags that make it',
  choices: ['text', 'json', 'flag'],
  default: 'text',
};

export const DRY_RUN: Flag = { flags: '--dry-run', about: 'print the request and do not send it' };

export const QUIET: Flag = { flags: '--quiet', about: 'no progress bar' };

/** Of what answers many. */
export const LIST_FLAGS: readonly Flag[] = [
  { flags: '--filter <filter>', about: 'AIP-160 filter, like \'state = "RUNNING"\'', parse: someText },
  { flags: '--order-by <fields>', about: 'fields, comma-separated, " desc" after one that goes down', parse: someText },
  { flags: '--page-size <n>', about: 'most on a page (default: 50)', parse: wholeNumberBetween(1, 200) },
  { flags: '--page-token <n>', about: 'number of the page, from 0', parse: wholeNumberBetween(0, 1_000_000_000) },
  { flags: '--no-paginate', about: 'all of them' },
  { flags: '-o, --output <format>', about: 'text or json', choices: ['text', 'json'], default: 'text' },
];

/** Of what takes a while. */
export const waitFlags = (about: string): readonly Flag[] => [
  { flags: '--wait', about },
  { flags: '--wait-timeout <duration>', about: 'how long to wait (default: 30m0s)', parse: durationMs },
];

/** What `--wait-timeout` is when it isn't given. */
export const DEFAULT_WAIT_MS = 30 * 60_000;
