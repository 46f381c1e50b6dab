/** A list as it is answered: read what is asked for, take that page, shape its rows. */
import type { ListQuery } from '../contract/list.ts';
import type { Page } from '../db/queries/page.ts';
import { type List, readPage } from './pages.ts';
import { applyMask } from './read-mask.ts';

/** Where the rows of a list come from and what becomes of them. */
export interface Source<Column extends string, Row, Resource> extends Omit<List<Column>, 'collection'> {
  /** What page tokens are bound to; the name of the list when absent. */
  readonly collection?: string;
  readonly take: (page: Page<Column>) => Promise<{ readonly rows: readonly Row[]; readonly total: number }>;
  readonly toReply: (row: Row) => Resource;
}

/** One page of the list `name`, as its query asks for it. */
export async function replyPage<Name extends string, Column extends string, Row, Resource extends object>(
  name: Name,
  query: ListQuery,
  { take, toReply, ...list }: Source<Column, Row, Resource>,
): Promise<Record<Name, Resource[]> & { nextPageToken: string; totalSize: number }> {
  const { page, nextToken } = readPage(query, { collection: name, ...list });
  const { rows, total } = await take(page);
  const resources = rows.map((row) => applyMask(toReply(row), query.readMask));
  const ends = { nextPageToken: nextToken(total), totalSize: total };
  return { [name]: resources, ...ends } as Record<Name, Resource[]> & typeof ends; // A computed name is any string to the types.
}
