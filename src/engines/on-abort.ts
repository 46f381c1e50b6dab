/**
 * Many listeners on one signal, as when every row of a job listens to the job's: an EventTarget walks through all of its listeners to add or
 * remove one, which at a thousand in flight costs more than the requests themselves.
 */
const listenersOf = new WeakMap<AbortSignal, Listeners>();

interface Listeners {
  readonly all: Set<() => void>;
  readonly callAll: () => void;
}

/** Calls `listener` when the signal is aborted, until `offAbort`. */
export function onAbort(signal: AbortSignal, listener: () => void): void {
  const known = listenersOf.get(signal) ?? listen(signal);
  known.all.add(listener);
}

/** Takes a listener back. */
export function offAbort(signal: AbortSignal, listener: () => void): void {
  const known = listenersOf.get(signal);
  if (known === undefined) return;
  known.all.delete(listener);
  if (known.all.size > 0) return;
  listenersOf.delete(signal);
  signal.removeEventListener('abort', known.callAll);
}

function listen(signal: AbortSignal): Listeners {
  const all = new Set<() => void>();
  const listeners = {
    all,
    callAll: () => {
      for (const listener of all) listener();
    },
  };
  listenersOf.set(signal, listeners);
  signal.addEventListener('abort', listeners.callAll);
  return listeners;
}
