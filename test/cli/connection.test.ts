import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findConnection } from '../../src/cli/connection.ts';
import { parseIni, setInIni } from '../../src/cli/ini.ts';
import { writeProfile } from '../../src/cli/profile.ts';
import { FakeHost } from './fake-host.ts';
import { makeHome } from './on-server.ts';

const AUTH = `# who I am
account_id = ann
api_key = "file-key"

[work]
account_id = acme
api_key: work-key   
`;

/** A home with keys, and a server that is up: this very process. */
function makePlace({ auth = AUTH, settings = '', running = false } = {}) {
  const home = makeHome();
  mkdirSync(join(home, '.fireworks'));
  writeFileSync(join(home, '.fireworks', 'auth.ini'), auth);
  writeFileSync(join(home, '.fireworks', 'settings.ini'), settings);
  const dataDir = join(home, '.local', 'share', 'boatload');
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, 'api-key'), 'bl_local\n');
  // Nobody has the number of a process that can't be.
  writeFileSync(
    join(dataDir, 'server.json'),
    JSON.stringify({ pid: running ? process.pid : 4_194_305, url: 'http://127.0.0.1:8080' }),
  );
  return home;
}

const find = (home: string, { flags = {}, env = {} }: { flags?: object; env?: Record<string, string> } = {}) =>
  findConnection(flags, new FakeHost({ args: [], env: { HOME: home, ...env } }));

const FIREWORKS = { FIREWORKS_API_KEY: 'fw_env', FIREWORKS_ACCOUNT_ID: 'fireman', FIREWORKS_BASE_URL: 'https://f.example' };
const OURS = { BOATLOAD_API_KEY: 'our-env', BOATLOAD_ACCOUNT_ID: 'ours', BOATLOAD_BASE_URL: 'https://b.example' };

describe('where a connection comes from', () => {
  test('flags beat our environment, that beats the other, and all beat the file', async () => {
    const home = makePlace({ settings: 'base_url = https://s.example' });
    expect(await find(home)).toEqual({
      baseUrl: 'https://s.example',
      apiKey: 'file-key',
      accountId: 'ann',
      keyFrom: '~/.fireworks/auth.ini',
    });
    expect(await find(home, { env: FIREWORKS })).toMatchObject({
      baseUrl: 'https://f.example',
      apiKey: 'fw_env',
      accountId: 'fireman',
    });
    expect(await find(home, { env: { ...FIREWORKS, ...OURS } })).toMatchObject({
      baseUrl: 'https://b.example',
      apiKey: 'our-env',
      accountId: 'ours',
    });
    const flags = { baseUrl: 'https://x.example', apiKey: 'flag', accountId: 'x' };
    expect(await find(home, { flags, env: { ...FIREWORKS, ...OURS } })).toEqual({ ...flags, keyFrom: '--api-key' });
    expect(await find(home, { env: { FIREWORKS_API_BASE: 'https://old.example' } })).toMatchObject({
      baseUrl: 'https://old.example',
    });
    expect((await find(home, { env: { BOATLOAD_API_KEY: '', BOATLOAD_BASE_URL: '' } })).keyFrom).toBe('~/.fireworks/auth.ini');
  });

  test('a profile is a section, and an unknown one is refused with those that are there', async () => {
    const home = makePlace({ settings: '[work]\nbase_url = https://w.example' });
    expect(await find(home, { flags: { profile: 'work' } })).toMatchObject({
      baseUrl: 'https://w.example',
      apiKey: 'work-key',
      accountId: 'acme',
    });
    await expect(find(home, { flags: { profile: 'home' } })).rejects.toMatchObject({
      reason: 'NO_SUCH_PROFILE',
      message: expect.stringContaining('work'),
    });
    const sections = makePlace({ auth: '[fireworks]\napi_key = in-section', settings: 'base_url = https://s.example' });
    expect(await find(sections)).toMatchObject({ apiKey: 'in-section', accountId: '-' });
  });

  test('without an address it is the server of this machine, with the key that it keeps unless another one is meant for it', async () => {
    const home = makePlace({ auth: '', running: true });
    const local = { baseUrl: 'http://127.0.0.1:8080', apiKey: 'bl_local', accountId: '-', keyFrom: "the server's data folder" };
    expect(await find(home)).toEqual(local);
    // A key for Fireworks is no key for it, and is not shown to it; nor is the account that goes with it.
    expect(await find(home, { env: { FIREWORKS_API_KEY: 'fw_env', FIREWORKS_ACCOUNT_ID: 'fireman' } })).toEqual(local);
    expect(await find(home, { env: { BOATLOAD_ACCOUNT_ID: 'ours' } })).toEqual({ ...local, accountId: 'ours' });
    expect(await find(home, { env: { BOATLOAD_API_KEY: 'bl_mine' } })).toMatchObject({
      apiKey: 'bl_mine',
      keyFrom: 'BOATLOAD_API_KEY',
    });
    // Elsewhere it may be the right one.
    expect(await find(home, { env: FIREWORKS })).toMatchObject({ apiKey: 'fw_env' });
  });

  test('what is missing is said', async () => {
    await expect(find(makePlace())).rejects.toMatchObject({
      reason: 'NO_SERVER',
      message: expect.stringContaining('boatload up'),
    });
    await expect(find(makePlace({ auth: '' }), { env: { BOATLOAD_BASE_URL: 'http://h' } })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    await expect(find(makePlace(), { env: { BOATLOAD_BASE_URL: 'h:8080' } })).rejects.toMatchObject({
      reason: 'INVALID_BASE_URL',
    });
  });
});

describe('auth.ini', () => {
  test('is read with comments, quotes and sections', () => {
    expect(parseIni(AUTH)).toEqual(
      new Map([
        [
          '',
          new Map([
            ['account_id', 'ann'],
            ['api_key', 'file-key'],
          ]),
        ],
        [
          'work',
          new Map([
            ['account_id', 'acme'],
            ['api_key', 'work-key'],
          ]),
        ],
      ]),
    );
    expect(parseIni('; x = y\r\nnonsense\r\n a.b = c = d \r\n')).toEqual(new Map([['', new Map([['a.b', 'c = d']])]]));
  });

  test('is changed where it must be and nowhere else', () => {
    expect(setInIni('', '', { a: '1' })).toBe('a = 1\n');
    expect(setInIni(AUTH, '', { api_key: 'new' })).toBe(AUTH.replace('"file-key"', 'new').replace('"', ''));
    expect(setInIni(AUTH, '', { id_token: 't' })).toBe(AUTH.replace('"file-key"\n', '"file-key"\nid_token = t\n'));
    expect(setInIni(AUTH, 'work', { api_key: 'new' })).toContain('[work]\naccount_id = acme\napi_key = new\n');
    expect(setInIni(AUTH, 'home', { api_key: 'new' })).toBe(`${AUTH}\n[home]\napi_key = new\n`);
    expect(setInIni('', 'home', { a: '1', b: '2' })).toBe('[home]\na = 1\nb = 2\n');
  });

  test('is readable for its owner only', async () => {
    const env = { HOME: makeHome() };
    const path = await writeProfile({ env }, undefined, { apiKey: 'k', accountId: 'a', baseUrl: 'http://h' });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toBe('account_id = a\napi_key = k\n');
    expect(readFileSync(join(env.HOME, '.fireworks', 'settings.ini'), 'utf8')).toBe('base_url = http://h\n');
  });
});
