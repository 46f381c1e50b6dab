/** Rows too long for the embedded engine, which counts them before they run. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEmbeddedEngine } from '../../src/engines/embedded/open-embedded.ts';
import { TICKETS_MODEL } from '../support/models.ts';
import { makeRow } from '../support/rows.ts';
import { openWorkingDoor } from './working-door.ts';

const JOBS = '/v1/accounts/acme/batchInferenceJobs';
const CONTEXT = 512;

let door: Awaited<ReturnType<typeof openWorkingDoor>>;
beforeAll(async () => {
  const own = await openEmbeddedEngine({
    ...{ modelPath: TICKETS_MODEL, modelId: 'tickets', contextSize: CONTEXT, slots: 2, threads: 1 },
  });
  door = await openWorkingDoor({ own });
  const { models } = door.context;
  const { resolve } = models;
  // A model of the library is known by what it was trained for, which no slot here holds.
  models.resolve = (name, accountId) => {
    const model = resolve(name, accountId);
    return model && { ...model, contextLength: 131_072 };
  };
});
afterAll(() => door.close());

interface Event {
  readonly kind: string;
  readonly message: string;
  readonly details: { readonly models: readonly Readonly<Record<string, unknown>>[] };
}

async function warningsOf(id: string): Promise<readonly Event[]> {
  const { body } = await door.askJson(`${JOBS}/${id}:events`);
  const { events } = body as unknown as { readonly events: readonly Event[] };
  return events.filter(({ kind }) => kind === 'context-at-risk');
}

const saying = (content: string) => (row: number) =>
  JSON.stringify(makeRow(row, { messages: [{ role: 'user', content }], max_tokens: 4 }));

async function runRows(id: string, toRows: readonly ((row: number) => string)[]): Promise<Readonly<Record<string, string>>> {
  await door.uploadDataset(id, toRows.map((toRow, row) => toRow(row)).join('\n\n'));
  await door.createJob(id, { model: 'tickets', inputDatasetId: id, outputDatasetId: `${id}-out` });
  await door.untilState(id, 'COMPLETED');
  return door.download(`${id}-out`);
}

test('a row that will not fit the engine is told by its line and the tokens of which it then fails, though its model could hold more', async () => {
  const files = await runRows('long', [saying('A short one.'), saying('The printer is on fire. '.repeat(300))]);
  const failures = Object.entries(files).flatMap(([name, text]) => (name.includes('error') ? text.trim().split('\n') : []));
  expect(failures).toHaveLength(1);
  const tokens = Number(/The prompt has (\d+) tokens/.exec(failures[0] ?? '')?.[1]);
  const [warning, ...others] = await warningsOf('long');
  expect(others).toEqual([]);
  // There is a blank line between them.
  expect(warning?.message).toContain(`which takes ${CONTEXT} tokens: line 3 has ${tokens}`);
  expect(warning?.details.models).toMatchObject([{ counted: true, rows: 1, line: 'line 3', tokens, contextLength: CONTEXT }]);
});

test('rows that fit are not warned of, however many bytes they have', async () => {
  await runRows('fitting', [saying('The printer is on fire. '.repeat(40)), saying('Hi.')]);
  expect(await warningsOf('fitting')).toEqual([]);
});
