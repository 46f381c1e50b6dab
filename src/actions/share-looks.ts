/** One look for all who ask at about the same time: many workers come through one process, and each of them looks every few seconds. */

/** Short enough that whoever adds an engine or a model and then a job finds workers that know it. */
const FRESH_MS = 100;

/** The same look, taken ten times a second at most. */
export function shareLooks<Found>(look: () => Promise<Found>): () => Promise<Found> {
  let last: { readonly atMs: number; readonly found: Promise<Found> } | undefined;
  return () => {
    const nowMs = performance.now();
    if (last === undefined || nowMs - last.atMs >= FRESH_MS) last = { atMs: nowMs, found: look() };
    return last.found;
  };
}
