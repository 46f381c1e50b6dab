/** `/v1/accounts/{account}/users`. */
import { z } from 'zod';
import { createUser } from '../actions/create-user.ts';
import { deleteUser } from '../actions/delete-user.ts';
import { getUser } from '../actions/get-user.ts';
import { updateUser } from '../actions/update-user.ts';
import { ListQuery, listReply, ReadQuery } from '../contract/list.ts';
import { makeName } from '../contract/names.ts';
import { CreateUserQuery, CreateUserRequest, UpdateUserRequest, User } from '../contract/user.ts';
import { listUsers } from '../db/queries/list-users.ts';
import type { User as UserRow } from '../db/schema.ts';
import { TRUTH } from './list-filter.ts';
import { applyMask } from './read-mask.ts';
import { replyPage } from './reply-page.ts';
import { type Call, route } from './route.ts';

const COLLECTION = '/v1/accounts/{account_id}/users';
const ONE = `${COLLECTION}/{user_id}`;
const tag = 'Users';
const columns = {
  name: 'id',
  displayName: 'displayName',
  email: 'email',
  role: 'role',
  serviceAccount: 'serviceAccount',
  createTime: 'createdAt',
  createdTime: 'createdAt',
  updateTime: 'updatedAt',
} as const;
const kinds = { serviceAccount: TRUTH } as const;
const idOf = ({ params }: Call<unknown, unknown>): string => params['user_id'] ?? '';

const toReply = (user: UserRow): User => ({
  name: makeName(user.accountId, 'users', user.id),
  displayName: user.displayName,
  serviceAccount: user.serviceAccount,
  role: user.role,
  permissionPreset: user.permissionPreset,
  email: user.email,
  createTime: user.createdAt.toISOString(),
  updateTime: user.updatedAt.toISOString(),
  state: 'READY',
  status: { code: 'OK', message: '' },
});

/** The fields of a body that a user is made of or changed by. */
const toWish = ({ displayName, email, role, permissionPreset, serviceAccount }: z.output<typeof CreateUserRequest>) => ({
  ...(displayName !== undefined && { displayName }),
  ...(email !== undefined && { email }),
  ...(role !== undefined && { role }),
  ...(permissionPreset !== undefined && { permissionPreset }),
  ...(serviceAccount !== undefined && { serviceAccount }),
});

const create = route({
  method: 'post',
  path: COLLECTION,
  tag,
  needs: 'administer',
  summary: 'Create a user or a service account',
  once: {},
  query: CreateUserQuery,
  body: CreateUserRequest,
  reply: User,
  handle: async ({ context, caller, query: { userId }, body }) =>
    toReply(await createUser(context, caller, { ...toWish(body), ...(userId && { id: userId }) })),
});

const list = route({
  method: 'get',
  path: COLLECTION,
  tag,
  summary: 'List users',
  query: ListQuery,
  reply: listReply('users', User),
  handle: ({ context, caller: { accountId }, query }) =>
    replyPage('users', query, { accountId, columns, kinds, take: (page) => listUsers(context.store.db, page), toReply }),
});

const get = route({
  method: 'get',
  path: ONE,
  tag,
  summary: 'Get a user; `me` means the one that the key belongs to',
  query: ReadQuery,
  reply: User,
  handle: async (call) => applyMask(toReply(await getUser(call.context, call.caller, idOf(call))), call.query.readMask),
});

const update = route({
  method: 'patch',
  path: ONE,
  tag,
  needs: 'administer',
  summary: 'Change label, address or role of a user',
  body: UpdateUserRequest,
  reply: User,
  handle: async (call) => toReply(await updateUser(call.context, call.caller, idOf(call), toWish(call.body))),
});

const remove = route({
  method: 'delete',
  path: ONE,
  tag,
  needs: 'administer',
  summary: 'Delete a user with all keys; what they made stays',
  reply: z.object({}),
  handle: async (call) => {
    await deleteUser(call.context, call.caller, idOf(call));
    return {};
  },
});

/** Every route of the resource. */
export const userRoutes = [create, list, get, update, remove];
