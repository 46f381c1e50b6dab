/** Ctrl-C once saves and stops, twice stops at once. */
import { EXIT } from './exit.ts';
import type { Host, Undo } from './host.ts';

/**
 * One press can arrive twice: the terminal sends it to every process in front, and npm and our own launcher pass on what they get.
 * Nobody presses twice on purpose within this time.
 */
const SAME_PRESS_MS = 400;

export interface StopSignals {
  /** Aborted by the first Ctrl-C, SIGTERM or `press`. */
  readonly stop: AbortSignal;
  /** A key that means the same as Ctrl-C. */
  press(): void;
  /** Back to what the signals do by themselves. */
  close: Undo;
}

/** Starts to listen; `onStop` is called once, at the first of them. */
export function listenForStop(host: Host, onStop: () => void): StopSignals {
  const controller = new AbortController();
  let firstAtMs: number | undefined;
  const press = () => {
    if (firstAtMs === undefined) {
      firstAtMs = host.now();
      controller.abort();
      onStop();
    } else if (host.now() - firstAtMs > SAME_PRESS_MS) {
      // The shell's prompt begins on a line of its own.
      host.stderr.write('\n');
      host.exit(EXIT.interrupted);
    }
  };
  const undos = [host.onSignal('SIGINT', press), host.onSignal('SIGTERM', press)];
  return {
    stop: controller.signal,
    press,
    close: () => {
      for (const undo of undos) undo();
    },
  };
}
