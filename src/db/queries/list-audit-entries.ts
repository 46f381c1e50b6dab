import type { AuditEntry } from '../schema.ts';
import type { Db } from '../store.ts';
import type { Page } from './page.ts';
import { type TakenPage, takePage } from './take-page.ts';

/** What the log can be ordered and narrowed by. */
export type AuditColumn = 'id' | 'at' | 'principal' | 'method' | 'resource' | 'apiKeyId' | 'statusCode';

export interface AuditSpan {
  readonly from: Date;
  readonly to: Date;
  /** Only what the user with this address did. */
  readonly email?: string | undefined;
}

/** One page of an account's log between two moments, newest first unless the page says otherwise. */
export const listAuditEntries = (
  db: Db,
  page: Page<AuditColumn>,
  { from, to, email }: AuditSpan,
): Promise<TakenPage<AuditEntry>> => {
  const within = db.selectFrom('auditEntry').selectAll().where('at', '>=', from).where('at', '<', to);
  const source = email ? within.where('email', '=', email) : within;
  return takePage<AuditEntry, AuditColumn>(db, source, { page, last: [{ column: 'id', descending: true }] });
};
