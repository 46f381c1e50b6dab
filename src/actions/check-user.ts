/** What must hold of a user whoever it is. */
import { Problem } from '../base/problem.ts';
import { findOtherUser } from '../db/queries/find-other-user.ts';
import type { User } from '../db/schema.ts';
import type { Tx } from '../db/store.ts';

/** Refuses a preset without the role `custom`, and that role without a preset; a program has no address. */
export const checkUser = ({ role, permissionPreset, serviceAccount, email }: User): void => {
  if ((role === 'custom') !== (permissionPreset !== ''))
    throw new Problem('INVALID_ARGUMENT', 'permissionPreset goes with the role "custom", and that role with a preset.', {
      reason: 'PRESET_AND_ROLE',
    });
  if (serviceAccount && email !== '')
    throw new Problem('INVALID_ARGUMENT', 'A service account has no email address. Leave one of the two out.', {
      reason: 'SERVICE_ACCOUNT_HAS_EMAIL',
    });
};

/** Refuses an address that is somebody else's. */
export async function checkEmail(tx: Tx, user: User): Promise<void> {
  const other = user.email === '' ? undefined : await findOtherUser(tx, user, { email: user.email });
  if (other === undefined) return;
  throw new Problem('ALREADY_EXISTS', `The address ${user.email} is that of user "${other}". Choose another one.`, {
    reason: 'EMAIL_EXISTS',
    details: { userId: other },
  });
}

/** Refuses to leave an account without anybody who can manage it. */
export async function checkAdminStays(tx: Tx, user: User): Promise<void> {
  if (user.role !== 'admin' || (await findOtherUser(tx, user, { role: 'admin' })) !== undefined) return;
  throw new Problem('FAILED_PRECONDITION', `User "${user.id}" is the account's last admin. Make somebody else one first.`, {
    reason: 'LAST_ADMIN',
  });
}
