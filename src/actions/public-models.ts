/** Who keeps the models that are for everybody: they lie on everybody's server, so no account may bring or delete them but those whose it is. */
import { Problem } from '../base/problem.ts';
import { PUBLIC_ACCOUNT } from '../contract/names.ts';
import type { Caller, Context } from './context.ts';

/** True for the public account itself, and for those that whoever runs the server has named. What its admins alone may do is said by roles. */
export const keepsPublicModels = ({ limits }: Pick<Context, 'limits'>, { accountId }: Caller): boolean =>
  accountId === PUBLIC_ACCOUNT || limits.publicKeepers.includes(accountId);

/** Refuses everybody else. */
export function demandPublicKeeper(context: Pick<Context, 'limits'>, caller: Caller): void {
  if (keepsPublicModels(context, caller)) return;
  throw new Problem(
    'PERMISSION_DENIED',
    `accounts/${PUBLIC_ACCOUNT} is everybody's: only admins of this installation bring and delete its models. Pull it by its bare name, and your own account gets it; or ask whoever runs the server (BOATLOAD_PUBLIC_KEEPERS).`,
    { reason: 'PUBLIC_ACCOUNT_NOT_YOURS' },
  );
}
