/** Who changed what in an account. */
import type { AuditLogEntry } from '../contract/audit-log.ts';
import { type Listing, type ListOptions, makeListing } from './pages.ts';
import type { Transport } from './transport.ts';

/** Which entries. */
export interface AuditLogOptions extends ListOptions {
  /** From here, in RFC 3339. Default: 30 days back. */
  readonly startTime?: string | undefined;
  /** To here. Default: now. */
  readonly endTime?: string | undefined;
  /** Only what the user with this address did. Default: everybody. */
  readonly email?: string | undefined;
}

/** `client.auditLogs`; only admins may read them. */
export interface AuditLogs {
  /** Newest first, unless `orderBy` says otherwise. */
  list(options?: AuditLogOptions): Listing<AuditLogEntry>;
}

/** Makes `client.auditLogs`. */
export const makeAuditLogs = (transport: Transport): AuditLogs => ({
  list: ({ startTime, endTime, email, ...options } = {}) => {
    const path = `/v1/accounts/${encodeURIComponent(transport.accountId)}/auditLogs`;
    return makeListing(transport, { path, collection: 'auditLogs', query: { startTime, endTime, email } }, options);
  },
});
