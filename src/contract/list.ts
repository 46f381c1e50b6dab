/** What every list takes and gives: pages, and the token that leads to the next one. */
import { z } from 'zod';

/** Size of a page when a query doesn't say. */
export const DEFAULT_PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 200;

/** Query parameters of every list. */
export const ListQuery = z.object({
  pageSize: z
    .string()
    .regex(/^\d{1,10}$/, 'expected a whole number from 0')
    .transform((text) => Math.min(Number(text) || DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE))
    .optional()
    .meta({
      type: 'integer',
      format: 'int32',
      description: `How many to answer at most; ${DEFAULT_PAGE_SIZE} when absent, larger values mean ${MAX_PAGE_SIZE}`,
    }),
  pageToken: z.string().optional().describe('`nextPageToken` of the page before; all other parameters must stay the same'),
  filter: z
    .string()
    .optional()
    .describe('Which to keep, as google.aip.dev/160 writes it: `state = RUNNING AND createTime > "2026-01-05T00:00:00Z"`'),
  orderBy: z.string().optional().describe('Field to order by, ascending; ` desc` after it turns that round'),
  readMask: z.string().optional().describe('Comma-separated fields to answer; empty or `*` means all'),
});
export type ListQuery = z.output<typeof ListQuery>;

/** Query parameters of every single read. */
export const ReadQuery = ListQuery.pick({ readMask: true });

/** Reply of a list, named after its collection. */
export const listReply = <Name extends string, Resource extends z.ZodType>(name: Name, resource: Resource) =>
  z
    .object({
      [name]: z.array(resource),
      nextPageToken: z.string().describe('Give it as `pageToken` to get the next page; empty on the last one'),
      totalSize: z.int32().describe('How many there are over all pages'),
    })
    .meta({ id: `List${name.charAt(0).toUpperCase()}${name.slice(1)}Reply`, description: 'One page of a list' });

/** Where a page begins, made unreadable on purpose, safe in a URL as it is, and bound to the parameters it was made for. */
export const makePageToken = (offset: number, boundTo: readonly (string | undefined)[]): string =>
  btoa(`${offset}.${fingerprint(boundTo)}`)
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');

/** Where the page begins; undefined for a token that is malformed or was made for other parameters. */
export const readPageToken = (token: string, boundTo: readonly (string | undefined)[]): number | undefined => {
  const [, offset, mark] = /^(\d{1,15})\.(\w+)$/.exec(decode(token)) ?? [];
  return offset !== undefined && mark === fingerprint(boundTo) ? Number(offset) : undefined;
};

const decode = (token: string): string => {
  try {
    return atob(token.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return '';
  }
};

/** FNV-1a: keeps honest callers from mixing pages; it guards nothing. */
const fingerprint = (values: readonly (string | undefined)[]): string => {
  const text = JSON.stringify(values.map((value) => value ?? ''));
  return Array.from(text)
    .reduce((hash, letter) => Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0, 0x811c9dc5)
    .toString(36);
};
