import type { ConnectionFlags } from '../connection.ts';
import { idOf } from '../firectl/message.ts';
import type { Host } from '../host.ts';
import { openScreen } from '../screen.ts';
import { withSession } from '../session.ts';
import { stateOf } from './follow.ts';

/** `boatload cancel`. */
export const cancel = (name: string, flags: ConnectionFlags, host: Host): Promise<void> =>
  withSession(host, flags, async ({ client }) => {
    const job = await client.jobs.cancel(name);
    const screen = await openScreen(host);
    screen.line(`${screen.colors.green('✓')} ${idOf(job.name)} is ${stateOf(job)}; what it has finished is kept`);
    screen.line(`  go on later:  boatload retry ${idOf(job.name)}`);
  });
