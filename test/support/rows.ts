/** Datasets for tests, and answers as they come back. */
import { readFileSync, writeFileSync } from 'node:fs';

/** A line of an output file. */
export interface OutputLine {
  readonly custom_id: string;
  readonly response?: { readonly choices: readonly { readonly message: { readonly content: string } }[]; readonly usage: Usage };
  readonly error?: { readonly code: number; readonly message: string; readonly type?: string };
}

interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

export const idOf = (row: number): string => `row-${String(row).padStart(5, '0')}`;

/** What row number `row` asks; engines find the marker by its brackets, and most answer with it. */
export const questionOf = (row: number): string => `[[${idOf(row)}]]`;

/** Row number `row` of a dataset. */
export const makeRow = (row: number, fields: Readonly<Record<string, unknown>> = {}) => ({
  custom_id: idOf(row),
  body: { messages: [{ role: 'user', content: questionOf(row) }], ...fields },
});

/** A dataset of so many rows, as text. */
export const makeRows = (count: number, toRow: (row: number) => object = makeRow): string =>
  Array.from({ length: count }, (_, row) => `${JSON.stringify(toRow(row))}\n`).join('');

/** Writes a dataset of so many rows. */
export const writeRows = (path: string, count: number, toRow?: (row: number) => object): void =>
  writeFileSync(path, makeRows(count, toRow));

export const parseLines = <Line = OutputLine>(text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

export const readLines = <Line = OutputLine>(path: string): Line[] => parseLines(readFileSync(path, 'utf8'));

export const contentOf = (line: OutputLine | undefined): string | undefined => line?.response?.choices[0]?.message.content;

/** `row-00000`, `row-00001`, …: the ids of a whole dataset in its order. */
export const allIds = (count: number): string[] => Array.from({ length: count }, (_, row) => idOf(row));
