/** Single keys at a terminal. */
import type { Host, Undo } from './host.ts';

const CTRL_C = '\u0003';

/** Calls back for `key`, and for Ctrl-C, which is no signal any more while keys are read one by one. */
export function listenForKey(host: Host, key: string, callback: () => void): Undo {
  const { stdin } = host;
  const onData = (data: Buffer) => {
    const typed = data.toString();
    if (typed.includes(key) || typed.includes(CTRL_C)) callback();
  };
  stdin.setRawMode?.(true);
  stdin.on('data', onData);
  return () => {
    stdin.off('data', onData);
    stdin.setRawMode?.(false);
    // A terminal that is still being read keeps the process alive.
    stdin.pause();
  };
}
