/** Has a model fetched from somewhere else: it waits for its files as an uploaded one does, and this server brings them. */
import { randomUUID } from 'node:crypto';
import { Problem } from '../base/problem.ts';
import { PUBLIC_ACCOUNT } from '../contract/names.ts';
import { ensureAccount } from '../db/queries/ensure-account.ts';
import { findModelRecord } from '../db/queries/find-model-record.ts';
import { insertModel } from '../db/queries/insert-model.ts';
import { listModelFiles } from '../db/queries/list-model-files.ts';
import type { Model, ModelPull } from '../db/schema.ts';
import type { Caller, Context } from './context.ts';
import { findSource, type ModelSource, type SourceWish } from './model-sources.ts';
import { checkedId } from './own-id.ts';
import { demandPublicKeeper, keepsPublicModels } from './public-models.ts';
import { isServed, isUnderWay, otherModel, pullAgain } from './pull-again.ts';

/** Fetches the files of models in the background. */
export interface Puller {
  /** Where `hf:` leads. */
  readonly hubUrl: string;
  /** Begins, or goes on; at most once at a time for a model. */
  start(model: Model): void;
}

/** What pulling needs besides. */
export interface PullContext extends Context {
  /** Absent where nothing is fetched. */
  readonly puller?: Puller;
}

export interface PullWish extends SourceWish {
  /** Id of the new model; absent: made from the file's name. The catalogue's models have their own. */
  readonly id?: string | undefined;
}

/** Begins, and answers the model as it is now. Asked again, one that failed goes on where it was, and one that is there gets what it has not yet. */
export async function pullModel(context: PullContext, caller: Caller, wish: PullWish): Promise<Model> {
  const { puller } = context;
  if (puller === undefined) throw notHere();
  const source = findSource(puller.hubUrl, wish);
  if (source.entry !== undefined && wish.id !== undefined && wish.id !== source.id) throw ownName(source.id);
  const id = checkedId(wish.id ?? source.id, { collection: 'models' });
  const accountId = await chooseAccount(context, caller, source);
  const pull: ModelPull = {
    ...{ source: withoutQuery(wish.source), files: source.files, state: 'PULLING' as const },
    ...{ bytes: 0, totalBytes: null, message: '' },
  };
  const known = await findModelRecord(context.store.db, accountId, id);
  const model =
    known === undefined
      ? await makeModel(context, caller, { accountId, id, source, pull })
      : await pullAgain(context, known, source);
  if (isUnderWay(model)) puller.start(model);
  return model;
}

/** Whoever keeps the public models pulls those of the catalogue for everybody; anybody else for their own account, unless it is there for everybody. */
async function chooseAccount(context: Context, caller: Caller, { account, id, entry, files }: ModelSource): Promise<string> {
  if (account === PUBLIC_ACCOUNT) demandPublicKeeper(context, caller);
  if (entry === undefined) return caller.accountId;
  if (account !== undefined || keepsPublicModels(context, caller)) return PUBLIC_ACCOUNT;
  const everybodys = await listModelFiles(context.store.db, { accountId: PUBLIC_ACCOUNT, id });
  const isThere = files.every(({ name }) => isServed(everybodys, name));
  return isThere ? PUBLIC_ACCOUNT : caller.accountId;
}

interface NewPull {
  readonly accountId: string;
  readonly id: string;
  readonly source: ModelSource;
  readonly pull: ModelPull;
}

async function makeModel(context: Context, caller: Caller, { accountId, id, source, pull }: NewPull): Promise<Model> {
  const { store, clock } = context;
  const at = clock.now();
  const { entry } = source;
  await ensureAccount(store.db, { id: accountId, createdAt: at });
  const made = await insertModel(store.db, {
    ...{ accountId, id, uid: randomUUID(), kind: 'HF_BASE_MODEL', state: 'UPLOADING' as const },
    displayName: entry?.title ?? '',
    description: entry === undefined ? '' : `${entry.parameters} parameters, licence ${entry.licence}`,
    public: accountId === PUBLIC_ACCOUNT,
    details: { baseModelDetails: { checkpointFormat: 'NATIVE' }, huggingFaceUrl: withoutQuery(source.files[0]?.url ?? '') },
    pull: JSON.stringify(pull) as never, // The driver sends JSON as text.
    ...{ createdBy: caller.name, createdAt: at, updatedAt: at },
  });
  if (made !== undefined) return made;
  // Somebody else was quicker.
  const theirs = await findModelRecord(store.db, accountId, id);
  if (theirs === undefined) throw otherModel(id);
  return pullAgain(context, theirs, source);
}

/** What is read by everybody who sees the model: signed addresses have their keys behind the question mark. */
const withoutQuery = (source: string): string => source.replace(/[?#].*$/s, '');

const notHere = (): Problem =>
  new Problem('UNIMPLEMENTED', 'This server fetches no models: upload the files instead.', { reason: 'PULL_NOT_OFFERED' });

const ownName = (id: string): Problem =>
  new Problem('INVALID_ARGUMENT', `A model of the catalogue keeps its name: ${id}. Leave the name out.`, {
    reason: 'CATALOGUE_NAME_FIXED',
    details: { field: 'modelId' },
  });
