/** What an operation is called, by programs that are made from the document and by the audit log. */

const STANDARD = { get: 'get', post: 'create', patch: 'update', delete: 'delete' } as const;

/** `listDatasets`, `createDataset`, `uploadDataset`, `getDatasetDownloadEndpoint`: made from what is asked and of what. */
export const toOperationId = (method: keyof typeof STANDARD, path: string): string => {
  const [resource = '', verb] = path.split('/@');
  const segments = resource.split('/');
  const isOne = segments.at(-1)?.startsWith('{') ?? false;
  const collection = segments.findLast((segment) => !segment.startsWith('{')) ?? '';
  const one = capital(singular(collection));
  if (verb !== undefined) return ofVerb(verb, one);
  return method === 'get' && !isOne ? `list${capital(collection)}` : `${STANDARD[method]}${one}`;
};

/** `getDownloadEndpoint` of a dataset is `getDatasetDownloadEndpoint`, `cancel` of a job `cancelJob`. */
const ofVerb = (verb: string, one: string): string => {
  const [, first = '', rest = ''] = /^([a-z]+)(.*)$/.exec(verb) ?? [];
  return rest === one ? verb : `${first}${one}${rest}`;
};

const singular = (collection: string): string => collection.replace(/s$/, '');
const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
