import type { HonoRequest } from 'hono';
import type { KeyCaller } from '../actions/context.ts';
import { findCaller } from '../actions/find-caller.ts';
import { Problem } from '../base/problem.ts';
import { isOwnAccountAlias } from '../contract/names.ts';
import type { ApiContext } from './api-context.ts';
import { KeyRefused } from './errors.ts';

/** Finds out who calls; refuses a key that isn't ours, and an account in the path that isn't the key's, unless any account will do. */
export async function authenticate(
  context: ApiContext,
  request: HonoRequest,
  { anyAccount = false }: { readonly anyAccount?: boolean } = {},
): Promise<KeyCaller> {
  const [, key] = /^Bearer +(\S+)$/i.exec(request.header('authorization') ?? '') ?? [];
  const caller = key === undefined ? undefined : await findCaller(context, key);
  if (caller === undefined) throw new KeyRefused();
  const account = request.param('account_id');
  if (anyAccount || account === undefined || account === caller.accountId || isOwnAccountAlias(account)) return caller;
  throw new Problem('PERMISSION_DENIED', `This key is of accounts/${caller.accountId}, not of the account in the path.`, {
    reason: 'ACCOUNT_MISMATCH',
  });
}
