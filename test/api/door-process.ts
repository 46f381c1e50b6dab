/** A door that listens, in a process of its own, so that its memory can be looked at. Tells its parent where it is; any message asks for the most memory it had since the last. */
import { serve } from '@hono/node-server';
import { openDoor } from './door.ts';

const door = await openDoor();
const server = serve({ fetch: door.app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
  process.send?.({ port, key: door.keys.acme }),
);
const rss = () => process.memoryUsage.rss();
let peakBytes = rss();
const look = () => {
  peakBytes = Math.max(peakBytes, rss());
};
setInterval(look, 20);
process.on('message', () => {
  look();
  process.send?.({ peakBytes });
  peakBytes = rss();
});
process.on('disconnect', async () => {
  server.close();
  await door.close();
  process.exit();
});
