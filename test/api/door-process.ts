/** A door that listens, in a process of its own, so that its memory can be looked at. Tells its parent where it is; any message asks for its peak memory. */
import { serve } from '@hono/node-server';
import { openDoor } from './door.ts';

const door = await openDoor();
const server = serve({ fetch: door.app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
  process.send?.({ port, key: door.keys.acme }),
);
process.on('message', () => process.send?.({ peakBytes: process.resourceUsage().maxRSS * 1024 }));
process.on('disconnect', async () => {
  server.close();
  await door.close();
  process.exit();
});
