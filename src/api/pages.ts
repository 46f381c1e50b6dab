/** Which part of a list a query asks for, and where the next one begins. */
import { Problem } from '../base/problem.ts';
import { camelCase } from '../contract/json.ts';
import { DEFAULT_PAGE_SIZE, type ListQuery, makePageToken, readPageToken } from '../contract/list.ts';
import type { Order, Page } from '../db/queries/page.ts';
import { type FilterFields, readFilter } from './list-filter.ts';

/** A list and what it can be ordered and filtered by: the wire's field to the column behind it. */
export interface List<Column extends string> extends FilterFields<Column> {
  readonly collection: string;
}

/** A page for the database, and the way to the one after it. */
export interface AskedPage<Column extends string> {
  readonly page: Page<Column>;
  /** The token of the page after this one; empty when there is none. */
  readonly nextToken: (total: number) => string;
}

/** Reads the query of a list. A page token is good for the list, filter and order that it was made for. */
export const readPage = <Column extends string>(
  query: ListQuery,
  { accountId, collection, columns, kinds }: List<Column>,
): AskedPage<Column> => {
  const boundTo = [accountId, collection, query.filter, query.orderBy];
  const offset = readOffset(query.pageToken, boundTo);
  const pageSize = query.pageSize ?? DEFAULT_PAGE_SIZE;
  const end = offset + pageSize;
  return {
    page: {
      accountId,
      pageSize,
      offset,
      orderBy: readOrder(query.orderBy, columns),
      where: [readFilter(query.filter ?? '', { accountId, columns, kinds })],
    },
    nextToken: (total) => (end < total ? makePageToken(end, boundTo) : ''),
  };
};

/** Where the page of a token begins; that of no token at 0. */
export const readOffset = (token: string | undefined, boundTo: readonly (string | undefined)[]): number => {
  const offset = token ? readPageToken(token, boundTo) : 0;
  if (offset === undefined) throw badToken();
  return offset;
};

const readOrder = <Column extends string>(orderBy = '', columns: Readonly<Record<string, Column>>): readonly Order<Column>[] =>
  orderBy
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
    .map((part) => {
      const [, field = '', direction] = /^([\w.]+)(?: +(asc|desc))?$/.exec(part) ?? [];
      const name = field.split('.').map(camelCase).join('.');
      const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
      if (column === undefined) throw badOrder(part, Object.keys(columns));
      return { column, descending: direction === 'desc' };
    });

const badOrder = (part: string, fields: readonly string[]): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `orderBy can't be read at "${part.slice(0, 100)}": expected one of ${fields.join(', ')}, with " desc" after it to turn it round.`,
    {
      reason: 'INVALID_ORDER',
      details: { field: 'orderBy' },
    },
  );

const badToken = (): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    'pageToken is not one that this list gave, or filter or orderBy changed since. Begin again without it.',
    {
      reason: 'INVALID_PAGE_TOKEN',
      details: { field: 'pageToken' },
    },
  );
