/** What a `$ref` within the same schema points to. */
import { isFields } from '../fields.ts';
import { cant, type Path } from './read-keywords.ts';

/** Throws a `Refusal` where the reference leads out of the schema or to nothing. */
export function resolveReference(root: unknown, pointer: unknown, path: Path): unknown {
  if (typeof pointer !== 'string' || (pointer !== '#' && !pointer.startsWith('#/'))) throw cant(path, '$ref', pointer);
  const found = readKeys(pointer)?.reduce<unknown>((at, key) => stepInto(at, key, root), root);
  if (found === undefined) throw cant(path, '$ref', pointer);
  return found;
}

function readKeys(pointer: string): readonly string[] | undefined {
  try {
    const keys = pointer.split('/').slice(1);
    return keys.map((key) => decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'));
  } catch {
    return undefined;
  }
}

function stepInto(at: unknown, key: string, root: unknown): unknown {
  if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
  // A schema with an id of its own is a root of its own: what it refers to is elsewhere.
  if (at !== root && isFields(at) && typeof at['$id'] === 'string') return undefined;
  return (at as Readonly<Record<string, unknown>>)[key];
}
