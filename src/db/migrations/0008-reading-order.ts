/**
 * Results are read while a job runs. Commits of several workers become visible in another order than their ids say, so what a reader has had can't be
 * told by id: a part gets its place in the reading order when it is first read, one reader at a time.
 */
export const READING_ORDER: readonly string[] = ['alter table part add column reading_order int'];
