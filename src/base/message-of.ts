/** What was thrown, in words: anything can be, not only errors. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
