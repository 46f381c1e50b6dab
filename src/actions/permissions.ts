/** Who may do what: the one table behind every refusal by role. */
import { Problem } from '../base/problem.ts';
import type { UserRole } from '../db/schema.ts';
import type { KeyCaller } from './context.ts';

/** `look` at everything that isn't secret, `run` datasets and jobs, `keep-models`, `see-costs`, and `administer` users, keys of others, quotas, the log. */
export type Permission = 'look' | 'run' | 'keep-models' | 'see-costs' | 'administer';

const GRANTS: Readonly<Record<Exclude<UserRole, 'custom'>, readonly Permission[]>> = {
  admin: ['look', 'run', 'keep-models', 'see-costs', 'administer'],
  user: ['look', 'run', 'keep-models', 'see-costs'],
  contributor: ['look', 'run', 'keep-models'],
  'inference-user': ['look', 'run'],
};

/** What the role `custom` may do, by its preset. */
const PRESETS: Readonly<Record<string, readonly Permission[]>> = { 'read-only': ['look', 'see-costs'] };

/** True when the caller's role has it. */
const isAllowed = ({ role, permissionPreset }: KeyCaller, permission: Permission): boolean =>
  (role === 'custom' ? (PRESETS[permissionPreset] ?? []) : GRANTS[role]).includes(permission);

/** Refuses a caller whose role doesn't have it. */
export const demand = (caller: KeyCaller, permission: Permission): void => {
  if (isAllowed(caller, permission)) return;
  const as = caller.role === 'custom' ? `custom, ${caller.permissionPreset}` : caller.role;
  throw new Problem(
    'PERMISSION_DENIED',
    `This takes the permission "${permission}", which the role "${as}" lacks. Ask an admin.`,
    {
      reason: 'ROLE_TOO_WEAK',
      details: { permission, role: caller.role },
    },
  );
};
