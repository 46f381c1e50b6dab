import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where a user's data of ours lives unless told otherwise: the XDG data folder, also where its variable is set to nothing. */
export const defaultDataFolder = (env: Readonly<Record<string, string | undefined>>): string =>
  join(env['XDG_DATA_HOME'] || join(env['HOME'] || homedir(), '.local', 'share'), 'boatload');
