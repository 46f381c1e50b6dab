/**
 * Makes the tickets that the model learns from and is tested on, and the files of this folder that are drawn from them.
 *
 *   node models/tickets/generate.ts OUT     write train.jsonl, test.jsonl, heldout.jsonl, sample.jsonl, sample.expected.jsonl
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeRandom } from '../random-numbers.ts';
import { drawTicket, type Ticket } from './ticket.ts';

/** The only instruction the model knows well. */
const INSTRUCTION = 'Classify the support ticket. Answer with one line of JSON: category, sentiment, urgent.';

const SIZES = { train: 60_000, test: 2_000, heldOut: 200, sample: 60 };

/** Tickets to learn from, and tickets whose combination of sentences is never among those. */
export interface Split {
  readonly train: readonly Ticket[];
  readonly test: readonly Ticket[];
}

/** Draws until both halves are full; no text occurs twice. */
export function makeSplit(seed = 1, sizes: { readonly train: number; readonly test: number } = SIZES): Split {
  const random = makeRandom(seed);
  const train: Ticket[] = [];
  const test: Ticket[] = [];
  const seen = new Set<string>();
  while (train.length < sizes.train || test.length < sizes.test) {
    const ticket = drawTicket(random);
    if (seen.has(ticket.text)) continue;
    seen.add(ticket.text);
    const [half, size] = ticket.heldOut ? [test, sizes.test] : [train, sizes.train];
    if (half.length < size) half.push(ticket);
  }
  return { train, test };
}

/** The files of a split by name. `answer` is the truth as the model should write it. */
export function toFiles({ train, test }: Split): Readonly<Record<string, string>> {
  const sample = test.slice(-SIZES.sample);
  return {
    'train.jsonl': toLines(train.map(toPair)),
    'test.jsonl': toLines(test.map(toPair)),
    'heldout.jsonl': toLines(test.slice(0, SIZES.heldOut).map(toPair)),
    'sample.jsonl': toLines(sample.map(toRow)),
    'sample.expected.jsonl': toLines(sample.map(({ truth }, index) => ({ custom_id: customId(index), expected: truth }))),
  };
}

/** The chat that asks for a ticket's triage. */
export const toMessages = (text: string) => [
  { role: 'system', content: INSTRUCTION },
  { role: 'user', content: text },
];

const toPair = ({ text, truth }: Ticket) => ({ text, answer: JSON.stringify(truth) });

const toRow = ({ text }: Ticket, index: number) => ({
  custom_id: customId(index),
  method: 'POST',
  url: '/v1/chat/completions',
  body: { model: 'tickets', messages: toMessages(text), temperature: 0, max_tokens: 48 },
});

const customId = (index: number) => `ticket-${String(index + 1).padStart(3, '0')}`;
const toLines = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');

if (import.meta.main) {
  const folder = process.argv[2];
  if (folder === undefined) throw new Error('Name the folder to write to: node models/tickets/generate.ts OUT');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(toFiles(makeSplit()))) writeFileSync(join(folder, name), text);
}
