/** Paths as people write them. */
import { relative, sep } from 'node:path';
import type { Host } from './host.ts';

/** Relative inside the current folder, with `~` inside the home folder, else as it is. */
export function shortPath(path: string, { cwd, env }: Pick<Host, 'cwd' | 'env'>): string {
  if (path.startsWith(cwd + sep)) return relative(cwd, path);
  const home = env['HOME'] ?? '';
  return home !== '' && path.startsWith(home + sep) ? `~${path.slice(home.length)}` : path;
}
