import type { ConnectionFlags } from '../connection.ts';
import type { Host } from '../host.ts';
import { withSession } from '../session.ts';
import { follow } from './follow.ts';

/** `boatload watch`: answers the exit code of the job. */
export const watch = (job: string, flags: ConnectionFlags, host: Host): Promise<number> =>
  withSession(host, flags, ({ client }) => follow(client, job, { host, flags: {} }));
