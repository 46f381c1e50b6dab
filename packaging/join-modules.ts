/**
 * Joins the compiled modules and the packages that they import into a few files. A server loads 1,600 modules, and finding and reading each of them is most of
 * what a start takes before the database opens.
 */
import { join, relative, resolve, sep } from 'node:path';
import { rolldown } from 'rolldown';

/** Find their own binaries and data beside their code. */
const LEFT_ALONE = ['@electric-sql/pglite', 'node-llama-cpp'];

export interface Joining {
  /** The compiled modules. */
  readonly dist: string;
  /** Of `dist`: the module that the program begins with, and the folder for what it becomes. */
  readonly entry: string;
  readonly into: string;
}

/** Writes the joined modules; those that are loaded later stay in files of their own. What they read beside them stays where it is. */
export async function joinModules({ dist, entry, into }: Joining): Promise<void> {
  const ours = resolve(dist) + sep;
  const build = await rolldown({
    input: join(dist, entry),
    platform: 'node',
    external: (id) => LEFT_ALONE.some((name) => id === name || id.startsWith(`${name}/`)),
    plugins: [
      {
        name: 'old-places',
        transform: (code, id) => (id.startsWith(ours) ? inOldPlace(code, relative(join(dist, into), id)) : null),
      },
    ],
  });
  await build.write({ dir: join(dist, into), format: 'esm' });
  await build.close();
}

/** A module looks for files from where it was compiled to, and none but the entry is the program. */
const inOldPlace = (code: string, place: string): string =>
  code
    .replaceAll('import.meta.url', `new URL(${JSON.stringify(place.split(sep).join('/'))}, import.meta.url).href`)
    .replaceAll('import.meta.main', 'false');
