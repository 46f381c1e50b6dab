/** What an engine is found to be when it is added or changed, and which of its models are served under which names. */
import { Problem } from '../base/problem.ts';
import { isId, parseName, toModelId } from '../contract/names.ts';
import type { Engine, StoredModel } from '../db/schema.ts';
import { type DiscoveredModel, type Discovery, discover } from '../engines/discover.ts';
import { openUpstream } from '../engines/upstream.ts';

/** A model of an engine as a caller wants it. */
export interface NamedModel {
  readonly servedAs: string;
  /** Id or full name; made from the engine's name when absent. */
  readonly model?: string | undefined;
}

/** An engine that is to be looked at. */
export interface EngineAddress {
  readonly accountId: string;
  readonly url: string;
  readonly apiKey: string | undefined;
  /** What it is to serve; all that it lists when absent. */
  readonly models: readonly NamedModel[] | undefined;
  /** Take it as it is said to be although it does not answer now. */
  readonly anyway: boolean;
}

/** What is kept of it. */
export type LookedAt = Pick<Engine, 'kind' | 'models' | 'slots' | 'metricsPath'>;

const MOST_MODELS = 500;
const LONGEST_ID = 63;

/** Asks the engine; throws a `Problem` that says what is wrong with it or with the wish. */
export async function lookAtEngine(address: EngineAddress): Promise<LookedAt> {
  const found = await askEngine(address).catch((cause: unknown) => {
    if (!address.anyway || !(cause instanceof Problem)) throw cause;
    if (address.models === undefined) throw unknownModels(cause);
    return undefined;
  });
  const { kind = 'openai-compatible', slots, metricsPath, models = [] } = found ?? {};
  return { kind, slots: slots ?? null, metricsPath: metricsPath ?? null, models: chooseModels(address, models) };
}

/** Asks what an engine is, on a connection of its own. */
export async function askEngine({ url, apiKey }: Pick<EngineAddress, 'url' | 'apiKey'>): Promise<Discovery> {
  const upstream = openUpstream({ baseUrl: url, guarded: true, ...(apiKey && { apiKey }) });
  try {
    return await discover(upstream);
  } finally {
    await upstream.close();
  }
}

function chooseModels(
  { url, models, accountId, anyway }: EngineAddress,
  found: readonly DiscoveredModel[],
): readonly StoredModel[] {
  const wanted: readonly NamedModel[] = models ?? found.map(({ id }) => ({ servedAs: id }));
  if (wanted.length === 0) throw servesNothing(url);
  if (wanted.length > MOST_MODELS) throw servesTooMany(url, wanted.length);
  const chosen = wanted.map(({ servedAs, model }) => {
    const known = found.find(({ id }) => id === servedAs);
    if (known === undefined && !anyway) throw notListed(servedAs, found);
    return toStored(model === undefined ? shorten(toModelId(servedAs)) : ownModelId(accountId, model), servedAs, known);
  });
  const twice = chosen.find(({ id }, at) => chosen.findIndex((other) => other.id === id) !== at);
  if (twice !== undefined) throw namedTwice(twice, chosen);
  return chosen;
}

function toStored(
  id: string,
  servedAs: string,
  { contextLength, paths, capabilities }: Partial<DiscoveredModel> = {},
): StoredModel {
  const isForVectors = capabilities?.length === 1 && capabilities[0] === 'embedding';
  const answered = paths ?? (isForVectors ? ['/v1/embeddings'] : undefined);
  return {
    id,
    servedAs,
    ...(contextLength !== undefined && { contextLength }),
    ...(answered !== undefined && { paths: answered }),
    ...(capabilities !== undefined && { capabilities }),
  };
}

const shorten = (id: string): string => toModelId(id.slice(0, LONGEST_ID));

/** Ids of models may have dots in them, as the names of engines do. */
function ownModelId(accountId: string, name: string): string {
  const { account = accountId, id = '' } = parseName(name, 'models') ?? {};
  if (account !== accountId) throw foreignModel(accountId, name);
  if (isId(id) || (toModelId(id) === id && id.length <= LONGEST_ID)) return id;
  throw new Problem(
    'INVALID_ARGUMENT',
    `"${name.slice(0, 100)}" is no id for models: expected up to ${LONGEST_ID} lower-case letters, digits, hyphens and dots, such as "${shorten(toModelId(id))}".`,
    { reason: 'INVALID_ID', details: { field: 'models' } },
  );
}

const foreignModel = (accountId: string, name: string): Problem =>
  new Problem(
    'PERMISSION_DENIED',
    `An engine of accounts/${accountId} serves models of that account, not "${name.slice(0, 200)}". Models for everybody come from engines of the account "boatload".`,
    { reason: 'ACCOUNT_MISMATCH', details: { field: 'models' } },
  );

const unknownModels = (cause: Problem): Problem =>
  new Problem('FAILED_PRECONDITION', `${cause.message} To keep it all the same, name the models that it will serve.`, {
    reason: cause.reason,
    details: { field: 'models' },
    cause,
  });

const servesNothing = (url: string): Problem =>
  new Problem('FAILED_PRECONDITION', `The engine at ${url} serves no model. Load one there first.`, {
    reason: 'ENGINE_SERVES_NOTHING',
  });

const servesTooMany = (url: string, count: number): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `${url} lists ${count} models, and at most ${MOST_MODELS} can be kept. Name those that jobs shall use.`,
    {
      reason: 'TOO_MANY_MODELS',
      details: { field: 'models', most: MOST_MODELS },
    },
  );

const notListed = (servedAs: string, found: readonly DiscoveredModel[]): Problem =>
  new Problem(
    'FAILED_PRECONDITION',
    `The engine does not list "${servedAs.slice(0, 100)}". It lists: ${
      found
        .slice(0, 50)
        .map(({ id }) => id)
        .join(', ') || 'nothing'
    }.`,
    { reason: 'MODEL_NOT_LISTED', details: { field: 'models' } },
  );

const namedTwice = ({ id }: StoredModel, chosen: readonly StoredModel[]): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `Two models would be "${id}" here: ${chosen
      .filter((other) => other.id === id)
      .map(({ servedAs }) => servedAs)
      .join(', ')}. Name one of them otherwise, or leave it out.`,
    { reason: 'MODEL_NAMED_TWICE', details: { field: 'models' } },
  );
