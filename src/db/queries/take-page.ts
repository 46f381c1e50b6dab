/** Lists of all kinds: any query that gives rows with an `accountId`, one page at a time. */
import { type Expression, sql } from 'kysely';
import type { Db } from '../store.ts';
import { inPage, type Order, ordered, type Page } from './page.ts';

export interface TakenPage<Row> {
  readonly rows: readonly Row[];
  /** On all pages together. */
  readonly total: number;
}

export interface Taking<Column extends string> {
  readonly page: Page<Column>;
  /** The order where the page says nothing; total, so that no row is on two pages. */
  readonly last: readonly Order<Column>[];
}

/** One page of the rows that `source` gives. The page speaks of the source's columns. */
export async function takePage<Row, Column extends string>(
  db: Db,
  source: Expression<Row>,
  { page, last }: Taking<Column>,
): Promise<TakenPage<Row>> {
  const matching = db.selectFrom(sql<Row>`(${source})`.as('listed')).where(inPage(page) as never); // The types know tables, not queries.
  const { total } = await matching.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  const query = matching
    .selectAll()
    .limit(page.pageSize)
    .offset(page.offset ?? 0);
  const rows = await ordered(page, last)
    .reduce((all, { column, direction }) => all.orderBy(sql.ref(column), direction), query)
    .execute();
  return { rows: rows as readonly Row[], total }; // `selectAll` of a typed source.
}
