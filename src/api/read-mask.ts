import { camelCase } from '../contract/json.ts';

/** Keeps the fields that a mask names (`name,jobProgress.percent`, either casing); no mask or `*` keeps all. */
export const applyMask = <Resource extends object>(resource: Resource, mask = ''): Resource => {
  const paths = mask
    .split(',')
    .map((path) => path.trim().split('.').map(camelCase))
    .filter(([first]) => first);
  if (paths.length === 0) return resource;
  return pick(resource, paths) as Resource; // Who sends a mask knows what is missing.
};

const pick = (value: unknown, paths: readonly (readonly string[])[]): unknown => {
  if (paths.some(([first]) => first === undefined || first === '*') || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => pick(entry, paths));
  const byField = Map.groupBy(paths, ([field = '']) => field);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([field]) => byField.has(field))
      .map(([field, inner]) => [field, pick(inner, byField.get(field)?.map((path) => path.slice(1)) ?? [])]),
  );
};
