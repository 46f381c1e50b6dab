/** Text as PostgreSQL takes it: what an engine or a dataset says may hold a NUL or half a surrogate pair, and must not keep a job from ending. */
export const storableText = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed();
