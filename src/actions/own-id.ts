import { Problem } from '../base/problem.ts';
import { type Collection, ID_RULE, isId, parseName } from '../contract/names.ts';

/** The id in a full name or bare id that a caller wrote; refuses what is malformed, and what another account owns. */
export const ownId = (accountId: string, collection: Collection, name: string): string => {
  const parsed = parseName(name, collection);
  if (parsed?.account !== undefined && parsed.account !== accountId) throw foreignName(accountId, name);
  return checkedId(parsed?.id ?? '', { written: name, collection });
};

/** Refuses what is no id. */
export const checkedId = (id: string, { written = id, collection }: { written?: string; collection: Collection }): string => {
  if (isId(id)) return id;
  throw new Problem('INVALID_ARGUMENT', `"${shown(written)}" is no id for ${collection}: expected ${ID_RULE}.`, {
    reason: 'INVALID_ID',
  });
};

/** The same answer whether the thing exists or not. */
const foreignName = (accountId: string, name: string): Problem =>
  new Problem('PERMISSION_DENIED', `"${shown(name)}" belongs to another account: this key is of accounts/${accountId}.`, {
    reason: 'ACCOUNT_MISMATCH',
  });

const shown = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);
