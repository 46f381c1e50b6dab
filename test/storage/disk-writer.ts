/** A process of its own that writes into a disk store: told `finish` it ends its stream, else it writes for ever. */
import { openDiskStore } from '../../src/storage/disk.ts';

const [, , dir = '', mode] = process.argv;

async function* body() {
  yield Buffer.alloc(2 ** 20);
  const finish = new Promise((resolve) => process.once('message', resolve));
  process.send?.('writing');
  await finish;
  yield Buffer.from('end');
}

try {
  const store = await openDiskStore(dir);
  if (mode === 'once') await store.put('two/folders/object', Buffer.from('x'));
  else process.send?.(await store.putStream('big/object', body()));
} catch (error) {
  const { message, code, reason } = error as Error & { code: string; reason: string };
  process.send?.({ message, code, reason });
  process.disconnect?.();
}
