/** Text as PostgreSQL takes it: what an engine or a dataset says may hold a NUL or half a surrogate pair, and must not keep a job from ending. */
export const storableText = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed();

/** The same for all texts of a value that travels as JSON: one that PostgreSQL does not take would keep the others of a statement out, too. */
export const storableJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'string' ? storableText(inner) : inner));
