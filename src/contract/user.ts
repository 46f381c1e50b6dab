/** Users on the wire: people and programs with a role in an account. */
import { z } from 'zod';
import { RESOURCE_STATES } from './account.ts';
import { Status } from './errors.ts';
import { readOnly, Timestamp } from './json.ts';
import { ID_RULE } from './names.ts';

/** What each role may do. */
const ROLE_MEANINGS = {
  admin: 'everything, users, keys of others, quotas and the audit log included',
  user: 'datasets, jobs, models, and see what they cost',
  contributor: 'datasets, jobs and models',
  'inference-user': 'datasets and jobs',
  custom: 'what `permissionPreset` says',
} as const;
const ROLES = Object.keys(ROLE_MEANINGS) as (keyof typeof ROLE_MEANINGS)[]; // the keys of the record above

/** What `permissionPreset` can say. */
const PERMISSION_PRESETS = ['read-only'] as const;

const fields = {
  displayName: z.string().max(63).describe('Label for people, fewer than 64 characters'),
  serviceAccount: z.boolean().describe('True for a program: it has keys, and no address of its own'),
  role: z.enum(ROLES).describe(ROLES.map((role) => `\`${role}\`: ${ROLE_MEANINGS[role]}`).join('. ')),
  permissionPreset: z
    .enum(['', ...PERMISSION_PRESETS])
    .describe('With the role `custom` only. `read-only`: look at everything, change nothing'),
  email: z
    .string()
    .max(254)
    .regex(/^([^@\s]+@[^@\s]+)?$/, 'expected an address such as "ada@example.com"')
    .describe("Address; nobody else's in the account"),
};

/** A user as it is answered. */
export const User = z
  .object({
    name: z.string().describe('`accounts/{account}/users/{id}`'),
    ...fields,
    permissionPreset: z.string().describe(fields.permissionPreset.description ?? ''),
    createTime: Timestamp.describe('When it was made'),
    updateTime: Timestamp.describe('When it last changed'),
    state: z.enum(RESOURCE_STATES).describe('`READY`'),
    status: Status,
  })
  .meta({ id: 'User', description: 'A person or a program with a role in an account' });
export type User = z.output<typeof User>;

const UserInput = z.strictObject({
  displayName: fields.displayName.optional(),
  serviceAccount: fields.serviceAccount.optional(),
  role: fields.role.optional(),
  permissionPreset: fields.permissionPreset.optional(),
  email: fields.email.optional(),
  ...readOnly('name', 'createTime', 'updateTime', 'state', 'status'),
});

/** Body of a create. */
export const CreateUserRequest = UserInput.meta({
  id: 'CreateUserRequest',
  description: 'A new user; the role is `user` unless said',
});

/** Query of a create. */
export const CreateUserQuery = z.object({
  userId: z.string().optional().describe(`The new user's id: ${ID_RULE}. Made from the address when absent`),
});

/** Body of an update: what is absent stays. */
export const UpdateUserRequest = UserInput.meta({ id: 'UpdateUserRequest', description: 'What is to change of a user' });
