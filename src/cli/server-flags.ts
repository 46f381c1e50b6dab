/** Flags that several of the commands take that run a server, or a part of one. */
import { Option } from 'commander';
import { someText, wholeNumberBetween } from './flags.ts';

/** Where the settings stand. */
export const configFlag = (): Option =>
  new Option(
    '--config <file>',
    'a YAML file with settings (else BOATLOAD_CONFIG); flags and the environment count more',
  ).argParser(someText);

/** Beside the API. */
export const healthPortFlag = (): Option =>
  new Option('--health-port <n>', 'port for /healthz, /readyz and /metrics, without a key (default: none)').argParser(
    wholeNumberBetween(1, 65_535),
  );

/** Where both listen. */
export const hostFlag = (): Option =>
  new Option('--host <address>', 'address to listen on (default: 127.0.0.1, this machine only)').argParser(someText);
