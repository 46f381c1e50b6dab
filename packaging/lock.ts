/** A lock file as npm writes it (version 3), as far as packaging reads it. */

type Names = Readonly<Record<string, string>>;

/** One package of a lock file, or a package.json. */
export interface LockEntry {
  readonly version?: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly dependencies?: Names;
  readonly optionalDependencies?: Names;
  readonly peerDependencies?: Names;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly [field: string]: unknown;
}

/** The packages by their folder (`node_modules/a/node_modules/b`); the package itself is ''. */
export interface Lock {
  readonly packages: Readonly<Record<string, LockEntry>>;
  readonly [field: string]: unknown;
}

/**
 * The folders of all packages that `names` need, found as Node looks for them. What packages offer as an option is left out: they say
 * themselves that they work without.
 */
export function findNeeded({ packages }: Lock, names: readonly string[]): readonly string[] {
  const needed = new Set<string>();
  const ahead = names.map((name) => ({ name, from: '' }));
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    const path = findPackage(packages, next.name, next.from);
    if (path === undefined)
      throw new Error(`package-lock.json has no ${next.name}, which ${next.from || 'package.json'} needs. Run: npm install`);
    if (needed.has(path)) continue;
    needed.add(path);
    ahead.push(...namesNeededBy(packages[path] ?? {}).map((name) => ({ name, from: path })));
  }
  return [...needed].toSorted();
}

/** npm repeats optional packages among the `dependencies` of a package.json, so they are taken away again. */
function namesNeededBy({
  dependencies = {},
  optionalDependencies = {},
  peerDependencies = {},
  peerDependenciesMeta,
}: LockEntry): string[] {
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta?.[name]?.optional !== true);
  return [...Object.keys(dependencies).filter((name) => !(name in optionalDependencies)), ...peers];
}

/** The nearest `node_modules` that has the package, from the inside out. */
function findPackage(packages: Lock['packages'], name: string, from: string): string | undefined {
  const path = `${from === '' ? '' : `${from}/`}node_modules/${name}`;
  if (path in packages) return path;
  if (from === '') return undefined;
  return findPackage(packages, name, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))));
}
