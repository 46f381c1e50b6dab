/** One page of a list: what to keep, in which order, how much of it. */
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { Schema } from '../schema.ts';

export interface Order<Column extends string> {
  readonly column: Column;
  readonly descending?: boolean;
}

/** A value is a parameter, never a piece of SQL. */
interface Condition<Column extends string> {
  readonly column: Column;
  readonly operator: '=' | '!=' | '<' | '<=' | '>' | '>=' | 'in';
  readonly value: string | number | Date | readonly (string | number | Date)[];
}

export interface Page<Column extends string> {
  readonly accountId: string;
  readonly pageSize: number;
  /** Rows of the list before this page. */
  readonly offset?: number;
  readonly orderBy?: readonly Order<Column>[];
  /** All of them must hold. */
  readonly where?: readonly Condition<Column>[];
}

/** The account's rows that meet the page's conditions. */
export const inPage =
  <Column extends string>({ accountId, where = [] }: Page<Column>) =>
  (holds: ExpressionBuilder<Schema, keyof Schema>): Expression<SqlBool> =>
    holds.and([
      sql<SqlBool>`${sql.ref('accountId')} = ${accountId}`,
      ...where.map(({ column, operator, value }) => holds(sql.ref(column), operator, value)),
    ]);

/** The page's order; `last` makes it total, so that no row is on two pages. */
export const ordered = <Column extends string>({ orderBy = [] }: Page<Column>, last: readonly Order<Column>[]) =>
  [...orderBy, ...last].map(({ column, descending }) => ({
    column,
    direction: descending ? ('desc' as const) : ('asc' as const),
  }));
