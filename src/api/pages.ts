/** Which part of a list a query asks for, and where the next one begins. */
import { Problem } from '../base/problem.ts';
import { DEFAULT_PAGE_SIZE, type ListQuery, makePageToken, readPageToken } from '../contract/list.ts';

/** A page of a list: what to skip, how many to answer at most, in what order. */
export interface Page {
  readonly offset: number;
  readonly size: number;
  readonly orderBy: string | undefined;
  readonly boundTo: readonly (string | undefined)[];
}

/** Reads the query of a list. A page token is good for the list, filter and order that it was made for. */
export const toPage = (query: ListQuery, list: { readonly accountId: string; readonly collection: string }): Page => {
  if (query.filter) throw noFilter();
  const boundTo = [list.accountId, list.collection, query.filter, query.orderBy];
  const offset = query.pageToken ? readPageToken(query.pageToken, boundTo) : 0;
  if (offset === undefined) throw badToken();
  return { offset, size: query.pageSize ?? DEFAULT_PAGE_SIZE, orderBy: query.orderBy, boundTo };
};

/** The token of the page after this one; empty when there is none. */
export const nextPageToken = ({ offset, size, boundTo }: Page, total: number): string =>
  offset + size < total ? makePageToken(offset + size, boundTo) : '';

const badToken = (): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    'pageToken is not one that this list gave, or filter or orderBy changed since. Begin again without it.',
    {
      reason: 'INVALID_PAGE_TOKEN',
      details: { field: 'pageToken' },
    },
  );

const noFilter = (): Problem =>
  new Problem('UNIMPLEMENTED', 'Lists are not filtered yet. Leave filter out.', {
    reason: 'FILTER_NOT_OFFERED',
    details: { field: 'filter' },
  });
