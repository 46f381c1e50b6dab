import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeChain } from '../../src/jobs/merge-chain.ts';

async function* stream(lines: readonly string[]): AsyncGenerator<Buffer> {
  for (const line of lines) yield Buffer.from(line);
}

const success = (id: string, job: number) => `{"custom_id":${id},"response":{"job":${job}}}\n`;
const failure = (id: string, job: number) => `{"custom_id":${id},"error":{"code":${job}}}\n`;

type State = 'success' | 'failure' | 'none';

/** `jobs` says per job what became of every row. */
const outputsOf = (ids: readonly string[], jobs: readonly (readonly State[])[]) =>
  jobs.map((states, job) => ({
    successes: stream(ids.filter((_, row) => states[row] === 'success').map((id) => success(id, job))),
    failures: stream(ids.filter((_, row) => states[row] === 'failure').map((id) => failure(id, job))),
  }));

const merge = async (ids: readonly string[], outputs: Parameters<typeof mergeChain>[1]) =>
  (await Array.fromAsync(mergeChain(stream(ids), outputs))).map((row) => [
    row.kind,
    row.kind === 'none' ? row.customId.toString() : row.line.toString(),
  ]);

test('every row gets its latest success, else its latest failure, else nothing', async () => {
  const states = fc.constantFrom<State>('success', 'failure', 'none');
  const chain = fc
    .nat(8)
    .chain((rows) =>
      fc.array(fc.array(states, { minLength: rows, maxLength: rows }), { maxLength: 4 }).map((jobs) => ({ rows, jobs })),
    );
  await fc.assert(
    fc.asyncProperty(chain, async ({ rows, jobs }) => {
      const ids = Array.from({ length: rows }, (_, row) => JSON.stringify(`id "${row}" é`));
      const expected = ids.map((id, row) => {
        const ended = (state: State) => jobs.findLastIndex((job) => job[row] === state);
        if (ended('success') !== -1) return ['success', success(id, ended('success'))];
        return ended('failure') === -1 ? ['none', id] : ['failure', failure(id, ended('failure'))];
      });
      expect(await merge(ids, outputsOf(ids, jobs))).toEqual(expected);
    }),
  );
});

test.each([
  ['is not in the input', [success('"x"', 0)]],
  ['is not in input order', [success('"b"', 0), success('"a"', 0)]],
  ['comes twice', [success('"a"', 0), success('"a"', 0)]],
])('an output row that %s is not lost in silence', async (_, lines) => {
  await expect(merge(['"a"', '"b"'], [{ successes: stream(lines), failures: stream([]) }])).rejects.toMatchObject({
    reason: 'OUTPUT_OF_OTHER_INPUT',
  });
});

test('a row that was refused for want of an id is left out: no row of the input answers to it', async () => {
  const failures = stream(['{"custom_id":null,"error":{"code":400}}', '{"custom_id":"b","error":{"code":500}}']);
  const rows = await merge(['"a"', '"b"'], [{ successes: stream([]), failures }]);
  expect(rows.map(([kind]) => kind)).toEqual(['none', 'failure']);
});

test('streams are closed when the reader stops early', async () => {
  let closed = 0;
  async function* endless(): AsyncGenerator<Buffer> {
    try {
      for (let row = 0; ; row++) yield Buffer.from(success(`"${row}"`, 0));
    } finally {
      closed++;
    }
  }
  async function* ids(): AsyncGenerator<Buffer> {
    for (let row = 0; ; row++) yield Buffer.from(`"${row}"`);
  }
  for await (const { kind } of mergeChain(ids(), [{ successes: endless(), failures: endless() }])) {
    expect(kind).toBe('success');
    break;
  }
  expect(closed).toBe(2);
});
