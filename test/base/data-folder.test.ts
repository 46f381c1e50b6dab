import { homedir } from 'node:os';
import { expect, test } from 'vitest';
import { defaultDataFolder } from '../../src/base/data-folder.ts';

test.each([
  [{ XDG_DATA_HOME: '/data', HOME: '/home/ada' }, '/data/boatload'],
  [{ XDG_DATA_HOME: '', HOME: '/home/ada' }, '/home/ada/.local/share/boatload'],
  [{ HOME: '/home/ada' }, '/home/ada/.local/share/boatload'],
  [{}, `${homedir()}/.local/share/boatload`],
])('with %j data lives in %s', (env, folder) => {
  expect(defaultDataFolder(env)).toBe(folder);
});
