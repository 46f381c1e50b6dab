/** Engines of an account: added, found, changed, drained, removed. */
import { makeId } from '../base/ids.ts';
import { Problem } from '../base/problem.ts';
import { makeName } from '../contract/names.ts';
import { countEngines } from '../db/queries/count-engines.ts';
import { deleteEngine as deleteEngineRow } from '../db/queries/delete-engine.ts';
import { findEngine } from '../db/queries/find-engine.ts';
import { insertEngine } from '../db/queries/insert-engine.ts';
import { lockAccount } from '../db/queries/lock-account.ts';
import { type EngineChanges, updateEngine as updateEngineRow } from '../db/queries/update-engine.ts';
import type { Engine } from '../db/schema.ts';
import { toSharedUrl } from '../engines/engine-url.ts';
import type { Caller, Context } from './context.ts';
import type { Links } from './link-download.ts';
import { lookAtEngine, type NamedModel } from './look-at-engine.ts';
import { checkedId, ownId } from './own-id.ts';
import { openSealedKey, sealKey } from './seal-key.ts';

/** Every process looks after each of them. */
const MOST_ENGINES = 100;

/** What works with engines needs besides. */
export interface EngineContext extends Context {
  readonly links: Pick<Links, 'secret'>;
  /** The engines of this process. Absent where none are opened. */
  readonly engines?: EngineKeeper;
}

/** Keeps the engines of this process as the database has them. */
export interface EngineKeeper {
  /** Looks at once. */
  refresh(): Promise<void>;
  /** Says at once how they are. */
  report(): Promise<void>;
}

/** What a caller wants of an engine; what is absent stays, or is as usual. 0 takes a bound away, an empty key the key. */
export interface EngineWish {
  readonly id?: string | undefined;
  readonly displayName?: string | undefined;
  readonly url?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly models?: readonly NamedModel[] | undefined;
  readonly maxInFlight?: number | undefined;
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  /** Keep it although it does not answer now. */
  readonly anyway?: boolean | undefined;
}

/** Adds an engine after a look at it. */
export async function createEngine(context: EngineContext, caller: Caller, wish: EngineWish): Promise<Engine> {
  const { accountId } = caller;
  const url = toSharedUrl(wish.url ?? '');
  const id = wish.id === undefined ? await freeId(context, accountId, url) : checkedId(wish.id, { collection: 'engines' });
  const found = await lookAtEngine({ accountId, url, apiKey: wish.apiKey, models: wish.models, anyway: wish.anyway ?? false });
  const at = context.clock.now();
  const engine: Engine = {
    accountId,
    id,
    displayName: wish.displayName ?? '',
    url,
    sealedKey: toSealed(context, { accountId, id }, wish.apiKey),
    ...found,
    maxInFlight: wish.maxInFlight || null,
    requestsPerMinute: wish.requestsPerMinute || null,
    tokensPerMinute: wish.tokensPerMinute || null,
    draining: false,
    createdBy: caller.name,
    createdAt: at,
    updatedAt: at,
  };
  await context.store.db.transaction().execute(async (tx) => {
    await lockAccount(tx, accountId);
    if ((await countEngines(tx, accountId)) >= MOST_ENGINES) throw tooMany();
    if (!(await insertEngine(tx, engine))) throw taken(id);
  });
  await context.engines?.refresh();
  return engine;
}

/** Finds an engine of the caller's account by id or full name; NOT_FOUND when there is none. */
export async function getEngine({ store }: Context, { accountId }: Caller, name: string): Promise<Engine> {
  const id = ownId(accountId, 'engines', name);
  return (await findEngine(store.db, accountId, id)) ?? notFound(accountId, id);
}

/** Changes an engine; what is absent stays. With a new address, key or models it is looked at again. */
export async function updateEngine(context: EngineContext, caller: Caller, { id = '', ...wish }: EngineWish): Promise<Engine> {
  const engine = await getEngine(context, caller, id);
  const isNew = wish.url !== undefined || wish.apiKey !== undefined || wish.models !== undefined;
  return change(context, engine, {
    ...(wish.displayName !== undefined && { displayName: wish.displayName }),
    ...(wish.maxInFlight !== undefined && { maxInFlight: wish.maxInFlight || null }),
    ...(wish.requestsPerMinute !== undefined && { requestsPerMinute: wish.requestsPerMinute || null }),
    ...(wish.tokensPerMinute !== undefined && { tokensPerMinute: wish.tokensPerMinute || null }),
    ...(isNew && (await lookAgain(context, engine, wish))),
  });
}

/** Lets an engine finish what it has and gives it nothing new, or takes that back. */
export async function drainEngine(
  context: EngineContext,
  caller: Caller,
  { name, draining }: { readonly name: string; readonly draining: boolean },
): Promise<Engine> {
  return change(context, await getEngine(context, caller, name), { draining });
}

/** Removes an engine: rows that it works on may finish, it gets nothing new. */
export async function deleteEngine(context: EngineContext, { accountId }: Caller, name: string): Promise<void> {
  const id = ownId(accountId, 'engines', name);
  if (!(await deleteEngineRow(context.store.db, { accountId, id }))) notFound(accountId, id);
  await context.engines?.refresh();
}

/** What requests to an engine carry; undefined: none. Throws where it can't be read any more. */
export function keyOf({ links }: Pick<EngineContext, 'links'>, engine: Engine): string | undefined {
  if (engine.sealedKey === null) return undefined;
  const key = openSealedKey(links.secret, engine, engine.sealedKey);
  if (key !== undefined) return key;
  throw new Problem(
    'FAILED_PRECONDITION',
    `The key of engine "${engine.id}" was kept under another secret of the server, and can't be read with this one. Give it again.`,
    { reason: 'ENGINE_KEY_UNREADABLE' },
  );
}

async function lookAgain(context: EngineContext, engine: Engine, wish: EngineWish): Promise<EngineChanges> {
  const { accountId } = engine;
  const url = wish.url === undefined ? engine.url : toSharedUrl(wish.url);
  const sameOrigin = new URL(url).origin === new URL(engine.url).origin;
  // A key is for where it was given for: whoever moves the address brings it along.
  const kept = sameOrigin ? () => keyOf(context, engine) : () => undefined;
  const apiKey = wish.apiKey === undefined ? kept() : wish.apiKey;
  const models = wish.models ?? engine.models.map(({ id, servedAs }) => ({ servedAs, model: id }));
  const found = await lookAtEngine({ accountId, url, apiKey, models, anyway: wish.anyway ?? false });
  return { url, ...found, sealedKey: toSealed(context, engine, apiKey) };
}

async function change(context: EngineContext, { accountId, id }: Engine, changes: EngineChanges): Promise<Engine> {
  const updatedAt = context.clock.now();
  const engine = await updateEngineRow(context.store.db, { accountId, id }, { ...changes, updatedAt });
  await context.engines?.refresh();
  return engine ?? notFound(accountId, id);
}

const toSealed = (
  { links }: EngineContext,
  owner: Pick<Engine, 'accountId' | 'id'>,
  apiKey: string | undefined,
): string | null => (apiKey ? sealKey(links.secret, owner, apiKey) : null);

/** The host and its port as an id, where that is free. */
async function freeId({ store }: Context, accountId: string, url: string): Promise<string> {
  const { host } = new URL(url);
  const word = host.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const id = (/^[a-z]/.test(word) ? word : `engine-${word.replace(/^-/, '')}`).slice(0, 50).replace(/-+$/, '');
  return (await findEngine(store.db, accountId, id)) === undefined ? id : `${id}-${makeId(6)}`;
}

const notFound = (accountId: string, id: string): never => {
  throw new Problem('NOT_FOUND', `resource not found: ${makeName(accountId, 'engines', id)}`, { reason: 'ENGINE_NOT_FOUND' });
};

const taken = (id: string): Problem =>
  new Problem('ALREADY_EXISTS', `There is an engine "${id}" already. Choose another id: ?engineId=…`, {
    reason: 'ENGINE_EXISTS',
    details: { engineId: id },
  });

const tooMany = (): Problem =>
  new Problem('RESOURCE_EXHAUSTED', `An account has at most ${MOST_ENGINES} engines. Remove one first.`, {
    reason: 'TOO_MANY_ENGINES',
    details: { most: MOST_ENGINES },
  });
