/** One page of a list: what to keep, in which order, how much of it. */
import { type Expression, type ExpressionBuilder, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Schema } from '../schema.ts';

export interface Order<Column extends string> {
  readonly column: Column;
  readonly descending?: boolean;
}

/** A value is a parameter, never a piece of SQL. A row without the column's value meets `!=` and nothing else. */
export type Condition<Column extends string> =
  | { readonly column: Column; readonly operator: '=' | '!=' | '<' | '<=' | '>' | '>='; readonly value: string | number | Date }
  | { readonly column: Column; readonly operator: 'in'; readonly value: readonly (string | number | Date)[] }
  /** Text that holds another, whatever the case of its letters. */
  | { readonly column: Column; readonly operator: 'contains'; readonly value: string }
  /** Text in which every `*` stands for any text. */
  | { readonly column: Column; readonly operator: 'matches'; readonly value: string }
  /** Neither absent nor empty. */
  | { readonly column: Column; readonly operator: 'is set' };

/** Conditions joined as they are asked for. `any` of nothing is never true, `all` of nothing always. */
export type Where<Column extends string> =
  | Condition<Column>
  | { readonly all: readonly Where<Column>[] }
  | { readonly any: readonly Where<Column>[] }
  | { readonly not: Where<Column> };

export interface Page<Column extends string> {
  readonly accountId: string;
  readonly pageSize: number;
  /** Rows of the list before this page. */
  readonly offset?: number;
  readonly orderBy?: readonly Order<Column>[];
  /** All of them must hold. */
  readonly where?: readonly Where<Column>[];
}

/** The account's rows that meet the page's conditions. */
export const inPage =
  <Column extends string>({ accountId, where = [] }: Page<Column>) =>
  (holds: ExpressionBuilder<Schema, keyof Schema>): Expression<SqlBool> =>
    holds.and([sql<SqlBool>`${sql.ref('accountId')} = ${accountId}`, toSql({ all: where })]);

/** The page's order; `last` makes it total, so that no row is on two pages. */
export const ordered = <Column extends string>({ orderBy = [] }: Page<Column>, last: readonly Order<Column>[]) =>
  [...orderBy, ...last].map(({ column, descending }) => ({
    column,
    direction: descending ? ('desc' as const) : ('asc' as const),
  }));

function toSql<Column extends string>(where: Where<Column>): RawBuilder<SqlBool> {
  if ('all' in where) return joined(where.all, { by: ' and ', ofNothing: sql`true` });
  if ('any' in where) return joined(where.any, { by: ' or ', ofNothing: sql`false` });
  if ('not' in where) return sql`not ${toSql(where.not)}`;
  return sql`coalesce(${toComparison(where)}, false)`;
}

const joined = <Column extends string>(
  terms: readonly Where<Column>[],
  { by, ofNothing }: { readonly by: string; readonly ofNothing: RawBuilder<SqlBool> },
): RawBuilder<SqlBool> => (terms.length === 0 ? ofNothing : sql`(${sql.join(terms.map(toSql), sql.raw(by))})`);

function toComparison<Column extends string>(condition: Condition<Column>): RawBuilder<SqlBool> {
  const column = sql.ref(condition.column);
  const text = sql`${column}::text`;
  switch (condition.operator) {
    case 'is set':
      return sql`${text} <> ''`;
    case 'contains':
      return sql`${text} ilike ${`%${escapeLike(condition.value)}%`}`;
    case 'matches':
      return sql`${text} like ${escapeLike(condition.value).replaceAll('*', '%')}`;
    case 'in':
      return condition.value.length === 0 ? sql`false` : sql`${column} in (${sql.join(condition.value)})`;
    case '!=':
      return sql`${typed(column, condition.value)} is distinct from ${condition.value}`;
    default:
      return sql`${typed(column, condition.value)} ${sql.raw(condition.operator)} ${condition.value}`;
  }
}

/** Texts are compared as texts, whatever the column holds, and in the order of their bytes, whatever the database's language. */
const typed = (column: RawBuilder<unknown>, value: string | number | Date): RawBuilder<unknown> =>
  typeof value === 'string' ? sql`${column}::text collate "C"` : column;

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');
