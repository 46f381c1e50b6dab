import { describe, expect, test } from 'vitest';
import { normalizeSwitches } from '../../src/cli/firectl/grammar.ts';
import { toFlagText, toMessage } from '../../src/cli/firectl/message.ts';
import { FIRST_WORDS, NOUNS, PLAIN, VERB_ALIASES } from '../../src/cli/firectl/operations.ts';
import { toText } from '../../src/cli/firectl/print.ts';
import { durationMs, moment, wireDuration } from '../../src/cli/firectl/values.ts';
import { runProgram } from '../../src/cli/program.ts';
import { FakeHost } from './fake-host.ts';
import { makeRoof } from './fake-roof.ts';

async function type(name: 'boatload' | 'firectl', ...args: readonly string[]) {
  const host = new FakeHost({ args, name, env: { HOME: '/nowhere' } });
  const code = await runProgram(host, makeRoof({}));
  return { code, stdout: host.stdout.text, stderr: host.stderr.text };
}

/** As a shell takes them apart. */
const wordsOf = (line: string): readonly string[] =>
  Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, word]) => quoted ?? word ?? '');

/** Every way to name every operation. */
const WAYS = NOUNS.flatMap(({ name, plural, aliases, operations }) =>
  operations.flatMap(({ verb, older }) => {
    const verbs = [verb, ...(verb in VERB_ALIASES ? [VERB_ALIASES[verb] ?? ''] : [])];
    const nouns = [name, plural, ...aliases];
    const nounFirst = nouns.flatMap((noun) => verbs.map((word) => [noun, word]));
    const verbFirst = older ?? verbs.flatMap((word) => nouns.map((noun) => [word, noun]));
    return { same: `${name} ${verb}`, ways: [...nounFirst, ...verbFirst] };
  }),
);

describe('firectl', () => {
  test('every operation is reached in both word orders and by all aliases, and is the same', async () => {
    expect(WAYS.flatMap(({ ways }) => ways).length).toBeGreaterThan(100);
    for (const { ways } of WAYS) {
      const helps = await Promise.all(ways.map((way) => type('firectl', ...way, '--help')));
      const bodies = new Set(helps.map(({ stdout }) => stdout.replace(/^Usage: .*$/m, '')));
      expect(helps.filter(({ code, stderr }) => code !== 0 || stderr !== '')).toEqual([]);
      expect([...bodies]).toHaveLength(1);
      expect([...bodies][0]).toMatch(/^Examples:\n {2}firectl /);
    }
  });

  test('what the manual names is there, with its flags', async () => {
    const flagsOf = async (...words: readonly string[]) =>
      Array.from(
        (await type('firectl', ...words, '--help')).stdout.matchAll(/^ {2}(?:-(\w), )?--([\w-]+)/gm),
        ([, short, long]) => (short ? `-${short} ${long}` : long),
      );
    const shared = ['help', '-a account-id', 'api-key', '-p profile', 'base-url'].map((flag) =>
      flag === 'help' ? '-h help' : flag,
    );
    const sampling = [
      'max-tokens',
      'temperature',
      'top-p',
      'top-k',
      'n',
      'extra-body',
      'precision',
      'system-prompt',
      'max-job-duration',
    ];
    expect(await flagsOf('create', 'batch-inference-job')).toEqual(
      expect.arrayContaining([
        'job-id',
        'display-name',
        '-m model',
        '-d input-dataset-id',
        '-x output-dataset-id',
        'continue-from',
        ...sampling,
        'quiet',
        '-o output',
        'dry-run',
        ...shared,
      ]),
    );
    const lists = ['filter', 'no-paginate', 'order-by', 'page-size', 'page-token'];
    expect(await flagsOf('list', 'batch-inference-jobs')).toEqual(expect.arrayContaining([...lists, ...shared]));
    expect(await flagsOf('delete', 'bij')).toEqual(expect.arrayContaining(['wait', 'wait-timeout', '-o output', 'dry-run']));
    expect(await flagsOf('create', 'dataset')).toEqual(
      expect.arrayContaining([
        'display-name',
        'end-time',
        'start-time',
        'eval-protocol-output',
        'external-url',
        'filter',
        'source',
        'quiet',
        'format',
      ]),
    );
    expect(await flagsOf('download', 'dataset')).toEqual(expect.arrayContaining(['download-lineage', 'output-dir', 'quiet']));
    expect(await flagsOf('model', 'create')).toEqual(
      expect.arrayContaining(
        [
          'base-model',
          'default-draft-model',
          'default-draft-token-count',
          'description',
          'display-name',
          'embedding',
          'enable-resumable-upload',
          'github-url',
        ]
          .concat([
            'hugging-face-url',
            'poll-duration',
            'public',
            'quiet',
            'supports-image-input',
            'supports-tools',
            'aws-access-key-id',
            'aws-secret-access-key',
          ])
          .concat(['role-arn', 'azure-sas-token-secret', 'azure-client-id', 'azure-tenant-id']),
      ),
    );
    expect(await flagsOf('load-lora')).toEqual(
      expect.arrayContaining(['deployment', 'public', 'replace-merged-addon', 'wait', 'wait-timeout']),
    );
    expect(await flagsOf('create', 'user')).toEqual(
      expect.arrayContaining(['display-name', 'email', 'role', 'service-account', 'user-id']),
    );
    expect(await flagsOf('create', 'api-key')).toEqual(expect.arrayContaining(['expire-time', 'key-name', 'service-account']));
    expect(await flagsOf('list', 'api-key')).toEqual(expect.arrayContaining(['all-users']));
    expect(await flagsOf('ls', 'audit-logs')).toEqual(expect.arrayContaining(['start-time', 'end-time', 'email', ...lists]));
    expect(await flagsOf('export', 'billing-metrics')).toEqual(expect.arrayContaining(['start-time', 'end-time', 'filename']));
    for (const word of ['signin', 'login', 'set-api-key', 'whoami', 'version', 'upgrade'])
      expect((await type('firectl', word, '-h')).code).toBe(0);
  });

  test('its help begins with examples and names everything', async () => {
    const { stdout, code } = await type('firectl', '--help');
    expect({ code, stdout }).toMatchSnapshot();
    expect((await type('firectl')).stdout).toBe(stdout);
    expect((await type('firectl', 'help')).stdout).toBe(stdout);
    expect((await type('firectl', 'batch-inference-job', 'create', '--help')).stdout).toMatchSnapshot();
  });

  test('every help on the way begins with examples that can be typed', async () => {
    const parents = [
      ...NOUNS.map(({ name }) => name),
      'create',
      'get',
      'list',
      'ls',
      'update',
      'delete',
      'download',
      'upload',
      'export',
    ];
    for (const word of parents) {
      const { stdout } = await type('firectl', word, '--help');
      const [heading, ...examples] = stdout.slice(0, stdout.indexOf('\n\n')).split('\n');
      expect(heading).toBe('Examples:');
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples)
        expect((await type('firectl', ...wordsOf(example.slice('  firectl '.length)), '--help')).stderr).toBe('');
    }
  });

  test('boatload takes the same words, and firectl takes those of boatload', async () => {
    const ours = await type('boatload', 'bij', 'create', '--help');
    expect(ours).toMatchObject({ code: 0, stdout: expect.stringContaining('boatload batch-inference-job create --model') });
    expect(await type('boatload', 'get', 'dataset')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Failed to execute: '),
    });
    expect((await type('firectl', 'run', '--help')).stdout).toContain('boatload run prompts.jsonl');
    const own = [
      'run',
      'up',
      'submit',
      'watch',
      'results',
      'jobs',
      'job',
      'cancel',
      'retry',
      'lineage',
      'diff',
      'completion',
      'help',
    ];
    expect(own.filter((word) => FIRST_WORDS.has(word))).toEqual([]);
  });

  test('export is both, and neither hides the other', async () => {
    const helpOf = async (name: 'boatload' | 'firectl', ...words: readonly string[]) =>
      (await type(name, ...words, '--help')).stdout;
    for (const name of ['boatload', 'firectl'] as const)
      expect(await helpOf(name, 'export', 'billing-metrics')).toContain('--start-time');
    expect(await helpOf('boatload', 'export')).toContain('--while-running');
    expect(await helpOf('firectl', 'export')).toContain('billing-metrics');
    expect(await helpOf('firectl', 'import')).toContain('--new-secret');
  });

  test('flags may stand before the words, and switches may say true and false', async () => {
    expect((await type('firectl', '-a', 'acme', '--api-key', 'k', 'get', '-p', 'nobody', 'dataset', 'x')).stderr).toContain(
      'No profile is called "nobody"',
    );
    expect(
      normalizeSwitches(['--public=false', '--quiet=false', '--wait=true', '--display-name=false', '--', '--wait=true']),
    ).toEqual(['--no-public', '--wait', '--display-name=false', '--', '--wait=true']);
  });

  test('every example is a command that can be typed', async () => {
    const all = [...NOUNS.flatMap(({ operations }) => operations), ...PLAIN].flatMap(({ examples }) => examples);
    expect(all.length).toBeGreaterThan(40);
    for (const example of all) {
      const words = wordsOf(example);
      const { stderr } = await type('firectl', ...words, '--help');
      expect({ example, stderr }).toEqual({ example, stderr: '' });
    }
  });
});

describe('messages and flags', () => {
  const flags = [
    { flags: '-m, --model <m>', about: '', field: 'model' },
    { flags: '--job-id <id>', about: '', field: 'name' },
    { flags: '--top-k <k>', about: '', field: 'inferenceParameters.topK' },
    { flags: '--extra-body <json>', about: '', field: 'inferenceParameters.extraBody' },
    { flags: '--wait', about: '' },
  ];

  test('flags make the message that makes the flags', () => {
    const message = toMessage(flags, { model: "it's", topK: 5, wait: true, extraBody: '{"a":1}' });
    expect(message).toEqual({ model: "it's", inferenceParameters: { topK: 5, extraBody: '{"a":1}' } });
    expect(toFlagText(flags, { ...message, name: 'accounts/a/batchInferenceJobs/j' })).toBe(
      `--model='it'\\''s' --job-id=j --top-k=5 --extra-body='{"a":1}'`,
    );
    expect(toFlagText(flags, { model: '', inferenceParameters: { extraBody: '{}', topK: 0 } })).toBe('');
  });

  test('text has a label and a value in each line, and leaves out what is not set', () => {
    const status = { code: 'INVALID_ARGUMENT', message: 'bad' };
    const text = toText({
      list: ['a', 'b'],
      rows: [{ a: 1 }],
      status,
      empty: '',
      none: null,
      zero: 0,
      inner: { deepName: true, no: null },
      nothing: {},
      name: 'n',
    });
    expect(text).toBe('Name: n\nStatus: INVALID_ARGUMENT: bad\nList: a, b\nRows: {"a":1}\nZero: 0\nInner:\n  Deep Name: true\n');
  });

  test('durations and dates are those of Go', () => {
    expect(['48h', '30m0s', '1h30m', '1.5s', '250ms'].map(durationMs)).toEqual([172_800_000, 1_800_000, 5_400_000, 1_500, 250]);
    expect(wireDuration('48h')).toBe('172800s');
    for (const bad of ['', '5', 'h', '5 h', '-5h', '5d']) expect(() => durationMs(bad)).toThrow('Expected a duration');
    expect(moment('2026-01-31')).toBe(new Date('2026-01-31T00:00:00').toISOString());
    expect(moment('2026-01-31 12:30:00')).toBe(new Date('2026-01-31T12:30:00').toISOString());
    for (const bad of ['31.1.2026', '2026-13-01', '2026-01-31 12']) expect(() => moment(bad)).toThrow('Expected a date');
  });
});
