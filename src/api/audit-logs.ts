/** `/v1/accounts/{account}/auditLogs`. */
import { AuditLogEntry, AuditLogQuery, DEFAULT_AUDIT_PAGE_SIZE } from '../contract/audit-log.ts';
import { STATUS_CODES } from '../contract/errors.ts';
import { listReply } from '../contract/list.ts';
import { listAuditEntries } from '../db/queries/list-audit-entries.ts';
import type { AuditEntry } from '../db/schema.ts';
import { replyPage } from './reply-page.ts';
import { route } from './route.ts';

const THIRTY_DAYS_MS = 30 * 86_400_000;
const columns = {
  id: 'id',
  timestamp: 'at',
  principal: 'principal',
  method: 'method',
  resource: 'resource',
  apiKeyId: 'apiKeyId',
} as const;

const kinds = { id: 'number', timestamp: 'time' } as const;

const toReply = (entry: AuditEntry): AuditLogEntry => ({
  id: String(entry.id),
  method: entry.method,
  principal: entry.principal,
  payload: {},
  status: { code: STATUS_CODES.find((code) => code === entry.statusCode) ?? 'UNKNOWN', message: entry.message },
  timestamp: entry.at.toISOString(),
  message: entry.statusCode === 'OK' ? '' : `Refused: ${entry.message}`,
  resource: entry.resource,
  isAdminAction: entry.adminAction,
  userAgent: entry.userAgent,
  clientIp: entry.clientIp,
  apiKeyId: entry.apiKeyId,
});

const list = route({
  method: 'get',
  path: '/v1/accounts/{account_id}/auditLogs',
  tag: 'Audit log',
  needs: 'administer',
  summary: 'List who changed what, newest first',
  query: AuditLogQuery,
  reply: listReply('auditLogs', AuditLogEntry),
  handle: async ({ context, caller, query }) => {
    const { startTime, endTime, email, pageSize = DEFAULT_AUDIT_PAGE_SIZE } = query;
    const now = context.clock.now();
    const span = {
      from: startTime ?? new Date(now.getTime() - THIRTY_DAYS_MS),
      to: endTime ?? new Date(now.getTime() + 1),
      email,
    };
    const collection = ['auditLogs', startTime?.getTime(), endTime?.getTime(), email].join('/');
    return replyPage(
      'auditLogs',
      { ...query, pageSize },
      {
        accountId: caller.accountId,
        collection,
        columns,
        kinds,
        take: (page) => listAuditEntries(context.store.db, page, span),
        toReply,
      },
    );
  },
});

/** Every route of the resource. */
export const auditLogRoutes = [list];
