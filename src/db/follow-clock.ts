/** When somebody sets the machine's clock: times that were written before are wrong by as much. */

const LOOK_EVERY_MS = 1_000;
/** Less is a clock that is being corrected, and nobody waits for that. */
const LEAST_JUMP_MS = 1_000;

/** Tells of jumps of the time of day, within a second, until what it answers is called. */
export function followClock(onJump: () => void): () => void {
  const offsetMs = (): number => Date.now() - performance.now();
  let known = offsetMs();
  const look = (): void => {
    const offset = offsetMs();
    if (Math.abs(offset - known) < LEAST_JUMP_MS) return;
    known = offset;
    onJump();
  };
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  return () => clearInterval(timer);
}
