/** Accounts on the wire. */
import { z } from 'zod';
import { Status } from './errors.ts';
import { Timestamp } from './json.ts';

/** States that accounts and users can be in. */
export const RESOURCE_STATES = ['STATE_UNSPECIFIED', 'CREATING', 'READY', 'UPDATING', 'DELETING'] as const;

const SUSPEND_STATES = [
  'UNSUSPENDED',
  'FAILED_PAYMENTS',
  'CREDIT_DEPLETED',
  'MONTHLY_SPEND_LIMIT_EXCEEDED',
  'BLOCKED_BY_ABUSE_RULE',
] as const;

/** An account as it is answered. */
export const Account = z
  .object({
    name: z.string().describe('`accounts/{account}`'),
    displayName: z.string().describe('Label for people'),
    createTime: Timestamp.describe('When it was made'),
    updateTime: Timestamp.describe('When it last changed'),
    accountType: z.enum(['ACCOUNT_TYPE_UNSPECIFIED', 'ENTERPRISE']).describe('Accounts here are all of one type'),
    email: z.string().describe('Address of its first admin; empty when unknown'),
    state: z.enum(RESOURCE_STATES).describe('`READY`'),
    status: Status,
    suspendState: z.enum(SUSPEND_STATES).describe('Nobody is suspended on a server of your own'),
    notificationSettings: z.null().describe('Always null: no mail is sent from here'),
  })
  .meta({ id: 'Account', description: 'Who owns datasets, jobs and models' });
export type Account = z.output<typeof Account>;
