/** Which models there are, and how a caller may name them. */

import type { Problem } from '../base/problem.ts';
import type { Precision } from '../contract/job.ts';
import { type Collection, makeName, PUBLIC_ACCOUNT, parseName } from '../contract/names.ts';
import type { ModelDefaults } from '../jobs/job.ts';

/** Names that clients of other systems have in their programs mean the public account. */
const PUBLIC_ALIASES: readonly string[] = ['fireworks'];

const MODELS: Collection = 'models';

/** A model as callers know it. */
export interface RegisteredModel {
  /** Full name: `accounts/{account}/models/{id}`. */
  readonly name: string;
  /** False while no engine serves it. */
  readonly served: boolean;
  /** What it is served in where nobody asks for another. */
  readonly precision: Precision;
  /** All that it can be served in, where that is more than one. */
  readonly precisions?: readonly Precision[];
  /** Whether accounts beside its own may use it, as all those of the public account. */
  readonly public?: boolean;
  /** Tokens of prompt and answer together, when known. */
  readonly contextLength?: number;
  /** Why its engine could not be opened the last time, where it could not; as this process knows it. */
  readonly trouble?: Pick<Problem, 'code' | 'reason' | 'message'>;
  /** Its engines have let go of it to free memory: the next request loads it; as this process knows it. */
  readonly isUnloaded?: boolean;
  /** What its rows get where neither they nor their job say; their job's settings win. */
  readonly defaults?: ModelDefaults;
}

/** The models of this server. */
export interface ModelRegistry {
  /** Finds a model by full name or bare id; a bare id means one of the account's own, then a public one. */
  resolve(name: string, accountId: string): RegisteredModel | undefined;
  /** What an account may use: its own models, the public account's and published ones. */
  list(accountId: string): readonly RegisteredModel[];
  /** Looks again at what there is. Absent where that never changes. */
  refresh?(): Promise<void>;
}

/** A registry over a list that may change while the server runs. */
export const makeModelRegistry = (models: () => readonly RegisteredModel[]): ModelRegistry => {
  const list = (accountId: string) =>
    models().filter(
      ({ name, public: isPublished }) =>
        isPublished === true || [accountId, PUBLIC_ACCOUNT].includes(parseName(name, MODELS)?.account ?? ''),
    );
  return {
    list,
    resolve: (name, accountId) => {
      const usable = list(accountId);
      return candidates(name, accountId)
        .map((candidate) => usable.find((model) => model.name === candidate))
        .find((model) => model !== undefined);
    },
  };
};

/** The full names that a caller may have meant, best first. */
const candidates = (name: string, accountId: string): readonly string[] => {
  const parsed = parseName(name, MODELS);
  if (parsed === undefined) return [];
  if (parsed.account === undefined) return [makeName(accountId, MODELS, parsed.id), makeName(PUBLIC_ACCOUNT, MODELS, parsed.id)];
  return [makeName(toModelAccount(parsed.account), MODELS, parsed.id)];
};

/** The account that a name of an account means where models are concerned. */
export const toModelAccount = (account: string): string => (PUBLIC_ALIASES.includes(account) ? PUBLIC_ACCOUNT : account);
