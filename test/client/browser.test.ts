/** What a page loads that imports the client. */
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** The code that is left when types and comments are gone. */
const codeOf = (path: string): string =>
  stripTypeScriptTypes(readFileSync(path, 'utf8')).replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

const importsOf = (code: string): string[] =>
  Array.from(code.matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g), ([, name = '']) => name);

/** Every file that is loaded with this one, with its code. */
function walk(path: string, seen = new Map<string, string>()): ReadonlyMap<string, string> {
  if (seen.has(path)) return seen;
  const code = codeOf(path);
  seen.set(path, code);
  for (const name of importsOf(code).filter((one) => one.startsWith('.'))) walk(join(path, '..', name), seen);
  return seen;
}

test('the client is loaded with files of its own alone: no packages, nothing of Node', () => {
  const loaded = walk('src/client/client.ts');
  expect(loaded.size).toBeGreaterThan(10);
  for (const [path, code] of loaded) {
    expect(
      importsOf(code).filter((name) => !name.startsWith('.')),
      path,
    ).toEqual([]);
    expect(code.match(/\b(process|Buffer|require|setImmediate|global|__dirname|import\.meta)\b/g) ?? [], path).toEqual([]);
  }
  const others = [...loaded.keys()].filter((path) => !path.startsWith('src/client/'));
  expect(others.toSorted()).toEqual(['src/base/problem.ts', 'src/contract/results-headers.ts']);
});

test('every file of the client is reached from its entry', () => {
  const files = readdirSync('src/client').map((file) => `src/client/${file}`);
  expect(files.filter((file) => !walk('src/client/client.ts').has(file))).toEqual([]);
});
