/** `/v1/accounts/{account}/quotas`. */
import { knownQuota, quotaIds, updateQuota } from '../actions/quotas.ts';
import { Problem } from '../base/problem.ts';
import { ListQuery, listReply, ReadQuery } from '../contract/list.ts';
import { makeName } from '../contract/names.ts';
import { Quota, UpdateQuotaQuery, UpdateQuotaRequest } from '../contract/quota.ts';
import { type ListedQuota, listQuotas, type QuotaColumn, type QuotaFacts } from '../db/queries/list-quotas.ts';
import { measureUsage } from '../db/queries/measure-usage.ts';
import type { Page } from '../db/queries/page.ts';
import { applyMask } from './read-mask.ts';
import { replyPage } from './reply-page.ts';
import { type Call, route } from './route.ts';

const COLLECTION = '/v1/accounts/{account_id}/quotas';
const ONE = `${COLLECTION}/{quota_id}`;
const tag = 'Quotas';
const columns = { name: 'id', value: 'value', maxValue: 'maxValue', usage: 'usage', updateTime: 'updatedAt' } as const;
const kinds = { value: 'number', maxValue: 'number', usage: 'number' } as const;
type AnyCall = Call<unknown, unknown>;
const idOf = ({ params }: AnyCall): string => params['quota_id'] ?? '';

const toReply = ({ accountId, id, value, maxValue, usage, updatedAt }: ListedQuota): Quota => ({
  name: makeName(accountId, 'quotas', id),
  value: String(value),
  maxValue: String(maxValue),
  usage,
  updateTime: updatedAt?.toISOString() ?? null,
});

const readFacts = async ({ context: { store, limits }, caller }: AnyCall): Promise<readonly QuotaFacts[]> => {
  const used = await measureUsage(store.db, caller.accountId);
  return quotaIds(limits).map((id) => ({ id, most: limits.quotas[id], used: used[id] }));
};

const readOne = async (call: AnyCall): Promise<Quota> => {
  const id = knownQuota(call.context.limits, idOf(call));
  const facts = (await readFacts(call)).filter((quota) => quota.id === id);
  const { rows } = await listQuotas(call.context.store.db, { accountId: call.caller.accountId, pageSize: 1 }, facts);
  const [quota] = rows;
  if (quota !== undefined) return toReply(quota);
  throw new Problem('NOT_FOUND', `resource not found: quota "${id}"`, { reason: 'QUOTA_NOT_FOUND' });
};

const list = route({
  method: 'get',
  path: COLLECTION,
  tag,
  summary: 'List quotas with what is used of each',
  query: ListQuery,
  reply: listReply('quotas', Quota),
  handle: (call) => {
    const { accountId } = call.caller;
    const take = async (page: Page<QuotaColumn>) => listQuotas(call.context.store.db, page, await readFacts(call));
    return replyPage('quotas', call.query, { accountId, columns, kinds, take, toReply });
  },
});

const get = route({
  method: 'get',
  path: ONE,
  tag,
  summary: 'Get a quota',
  query: ReadQuery,
  reply: Quota,
  handle: async (call) => applyMask(await readOne(call), call.query.readMask),
});

const update = route({
  method: 'patch',
  path: ONE,
  tag,
  needs: 'administer',
  summary: 'Set what a quota enforces, up to its maximum',
  query: UpdateQuotaQuery,
  body: UpdateQuotaRequest,
  reply: Quota,
  handle: async (call) => {
    const { value } = call.body;
    if (value !== undefined) await updateQuota(call.context, call.caller, { id: idOf(call), value });
    return readOne(call);
  },
});

/** Every route of the resource. */
export const quotaRoutes = [list, get, update];
