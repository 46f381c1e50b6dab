import { offAbort, onAbort } from '../engines/on-abort.ts';

/** Aborts one with the other, until the function that it answers is called. A signal made of several costs every row that asks it more. */
export function follow(signal: AbortSignal, controller: AbortController): () => void {
  const abort = (): void => controller.abort();
  if (signal.aborted) abort();
  else onAbort(signal, abort);
  return () => offAbort(signal, abort);
}
