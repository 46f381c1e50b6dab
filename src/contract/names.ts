/** Resource names: `accounts/{account}/{collection}/{id}`, and the ids in them. */

/** Every collection with the spellings it is accepted in; the first one is written. */
const COLLECTIONS = {
  batchInferenceJobs: ['batchInferenceJobs', 'batch-inference-jobs'],
  datasets: ['datasets'],
  models: ['models'],
  deployedModels: ['deployedModels', 'deployed-models'],
  users: ['users'],
  quotas: ['quotas'],
  webhooks: ['webhooks'],
  engines: ['engines'],
} as const;
/** A collection by the spelling that is written. */
export type Collection = keyof typeof COLLECTIONS;

/** The account that holds the models everybody may use. */
export const PUBLIC_ACCOUNT = 'boatload';

/** Account ids that stand for "the account of my key". */
const OWN_ACCOUNT: readonly string[] = ['-', 'me'];

/** The rule that `isId` checks, as a sentence for refusals. */
export const ID_RULE = '1 to 63 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen';

/** The pattern behind `ID_RULE`. */
const ID_PATTERN = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** True for what `ID_RULE` allows. */
export const isId = (text: string): boolean => ID_PATTERN.test(text);

/** True for `-` and `me`, which a caller may write instead of its own account id. */
export const isOwnAccountAlias = (account: string): boolean => OWN_ACCOUNT.includes(account);

/** `accounts/acme/datasets/in-01`. */
export const makeName = (account: string, collection: Collection, id: string): string =>
  `accounts/${account}/${collection}/${id}`;

/** What a caller wrote to name a resource. */
export interface ParsedName {
  /** Absent when only an id was given, or an alias of the caller's own account. */
  readonly account?: string;
  readonly id: string;
}

/** Reads a full name or a bare id; undefined when it is neither. The id itself is not checked: models have ids of their own kind. */
export const parseName = (name: string, collection: Collection): ParsedName | undefined => {
  const parts = name.split('/');
  const [first, account, spelling, id] = parts;
  if (parts.length === 1) return first ? { id: first } : undefined;
  if (parts.length !== 4 || first !== 'accounts' || !account || !id) return undefined;
  if (!COLLECTIONS[collection].some((accepted) => accepted === spelling)) return undefined;
  return isOwnAccountAlias(account) ? { id } : { account, id };
};

/** What an engine or a file calls a model, as an id of ours: what can't stand in one becomes a hyphen. */
export const toModelId = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '') || 'model';
