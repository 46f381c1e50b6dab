/** `/v1/accounts`. */
import { Problem } from '../base/problem.ts';
import { Account } from '../contract/account.ts';
import { ListQuery, listReply, ReadQuery } from '../contract/list.ts';
import { type ListedAccount, listAccounts } from '../db/queries/list-accounts.ts';
import { applyMask } from './read-mask.ts';
import { replyPage } from './reply-page.ts';
import { route } from './route.ts';

const tag = 'Accounts';

const toReply = ({ id, displayName, createdAt, email }: ListedAccount): Account => ({
  name: `accounts/${id}`,
  displayName,
  createTime: createdAt.toISOString(),
  updateTime: createdAt.toISOString(),
  accountType: 'ACCOUNT_TYPE_UNSPECIFIED',
  email: email ?? '',
  state: 'READY',
  status: { code: 'OK', message: '' },
  suspendState: 'UNSUSPENDED',
  notificationSettings: null,
});

const columns = { name: 'id', displayName: 'displayName', createTime: 'createdAt', email: 'email' } as const;

const list = route({
  method: 'get',
  path: '/v1/accounts',
  tag,
  summary: 'List accounts: a key sees the one that it belongs to',
  query: ListQuery,
  reply: listReply('accounts', Account),
  handle: ({ context, caller: { accountId }, query }) =>
    replyPage('accounts', query, { accountId, columns, take: (page) => listAccounts(context.store.db, page), toReply }),
});

const get = route({
  method: 'get',
  path: '/v1/accounts/{account_id}',
  tag,
  summary: 'Get an account; `-` and `me` mean the one that the key belongs to',
  query: ReadQuery,
  reply: Account,
  handle: async ({ context, caller: { accountId }, query }) => {
    const { rows } = await listAccounts(context.store.db, { accountId, pageSize: 1 });
    const [account] = rows;
    if (account === undefined)
      throw new Problem('NOT_FOUND', `resource not found: accounts/${accountId}`, { reason: 'ACCOUNT_NOT_FOUND' });
    return applyMask(toReply(account), query.readMask);
  },
});

/** Every route of the resource. */
export const accountRoutes = [list, get];
