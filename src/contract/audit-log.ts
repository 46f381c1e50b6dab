/** The audit log on the wire. */
import { z } from 'zod';
import { Status } from './errors.ts';
import { Moment, Timestamp } from './json.ts';
import { ListQuery } from './list.ts';

/** Entries on a page when a query doesn't say. */
export const DEFAULT_AUDIT_PAGE_SIZE = 10;

/** Query of the list. */
export const AuditLogQuery = ListQuery.extend({
  startTime: Moment.optional().describe('From here; 30 days back when absent'),
  endTime: Moment.optional().describe('To here; now when absent'),
  email: z.string().optional().describe('Only what the user with this address did'),
});

/** An entry as it is answered. */
export const AuditLogEntry = z
  .object({
    id: z.string().describe('Names the entry'),
    method: z.string().describe("What was asked for: the operation's name in this description"),
    principal: z.string().describe('Who asked'),
    payload: z.object({}).describe('Always empty: what was sent is not kept'),
    status: Status,
    timestamp: Timestamp.describe('When'),
    message: z.string().describe('What happened, in words'),
    resource: z.string().describe('What it was about'),
    isAdminAction: z.boolean().describe('True for what only admins may do'),
    userAgent: z.string().describe('What it was asked with'),
    clientIp: z.string().describe('Where it was asked from, when known'),
    apiKeyId: z.string().describe('The key it was asked with'),
  })
  .meta({ id: 'AuditLogEntry', description: 'Somebody changed something, or tried to' });
export type AuditLogEntry = z.output<typeof AuditLogEntry>;
