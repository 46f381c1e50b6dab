/**
 * One synthetic support ticket with its truth. The truth is the rule of the making: the issue sentence decides the category, the mood
 * sentence the sentiment (none: neutral), and a ticket is urgent only where a sentence says that time presses.
 */
import { createHash } from 'node:crypto';
import { draw, drawBelow, type Random } from '../random-numbers.ts';
import { CLOSINGS, FILLERS, GREETINGS, ISSUES, MOODS, SLOTS, URGENCIES } from './phrases.ts';

/** What the model answers, as one line of JSON in this order of keys. */
interface Triage {
  readonly category: keyof typeof ISSUES;
  readonly sentiment: keyof typeof MOODS;
  readonly urgent: boolean;
}

export interface Ticket {
  readonly text: string;
  readonly truth: Triage;
  /** Belongs to the tenth of all combinations of sentences that is never trained on. */
  readonly heldOut: boolean;
}

const CATEGORIES = Object.keys(ISSUES) as (keyof typeof ISSUES)[]; // Object.keys forgets the literal names
const SENTIMENTS = ['negative', 'neutral', 'positive'] as const;
const NONE = -1;

/** Draws a ticket. The order of the draws is part of the recipe: another order makes other tickets from the same seed. */
export function drawTicket(random: Random): Ticket {
  const truth = { category: draw(random, CATEGORIES), sentiment: draw(random, SENTIMENTS), urgent: random() < 0.5 };
  const issues = ISSUES[truth.category];
  const moods = MOODS[truth.sentiment];
  const urgencies = URGENCIES[truth.urgent ? 'yes' : 'no'];
  const issue = drawBelow(random, issues.length);
  const mood = truth.sentiment === 'neutral' && random() < 0.5 ? NONE : drawBelow(random, moods.length);
  const urgency = !truth.urgent && random() < 0.5 ? NONE : drawBelow(random, urgencies.length);
  const combination = `${truth.category}${issue}/${truth.sentiment}${mood}/${truth.urgent}${urgency}`;
  const sentences = drawSentences(random, { issue: issues[issue], mood: moods[mood], urgency: urgencies[urgency] });
  return { text: roughen(random, join(random, sentences)), truth, heldOut: isHeldOut(combination) };
}

interface Core {
  readonly issue: string | undefined;
  readonly mood: string | undefined;
  readonly urgency: string | undefined;
}

function drawSentences(random: Random, { issue, mood, urgency }: Core): string[] {
  const body = [fillSlots(random, issue ?? '')];
  const insert = (sentence: string | undefined) => {
    if (sentence === undefined) return;
    const at = random() < 0.65 ? body.length : drawBelow(random, body.length + 1);
    body.splice(at, 0, fillSlots(random, sentence));
  };
  if (random() < 0.4) insert(draw(random, FILLERS));
  insert(mood);
  insert(urgency);
  if (random() < 0.1) insert(draw(random, FILLERS));
  if (random() < 0.45) body.unshift(fillSlots(random, draw(random, GREETINGS)));
  if (random() < 0.45) body.push(fillSlots(random, draw(random, CLOSINGS)));
  return body;
}

const fillSlots = (random: Random, sentence: string) =>
  sentence.replace(/\{(\w+)\}/g, (_, slot: string) => NUMBERS[slot]?.(random) ?? draw(random, SLOTS[slot] ?? []));

const NUMBERS: Readonly<Record<string, (random: Random) => string>> = {
  n: (random) => String(2 + drawBelow(random, 48)),
  id: (random) => String(1000 + drawBelow(random, 89_000)),
  amt: (random) => {
    const whole = draw(random, SLOTS['cur'] ?? []) + (5 + drawBelow(random, 480));
    return random() < 0.4 ? `${whole}.${10 + drawBelow(random, 89)}` : whole;
  },
};

const join = (random: Random, [first = '', ...rest]: readonly string[]) =>
  rest.reduce((text, sentence) => text + (random() < 0.08 ? '\n' : ' ') + sentence, first);

/** People don't type like templates: case, punctuation, a smile, and up to three typing errors. */
function roughen(random: Random, text: string): string {
  const styled = restyle(random(), text);
  if (random() >= 0.35) return styled;
  return Array.from({ length: 1 + drawBelow(random, 3) }).reduce<string>((typed) => mistype(random, typed), styled);
}

function restyle(style: number, text: string): string {
  if (style < 0.12) return text.toLowerCase();
  if (style < 0.15) return text.toUpperCase();
  if (style < 0.21) return text.replace(/[.!?,]/g, '');
  if (style < 0.25) return text.replace(/\.( |$)/g, '!$1');
  return style < 0.27 ? `${text} 🙂` : text;
}

function mistype(random: Random, text: string): string {
  for (let tries = 0; tries < 8; tries += 1) {
    const at = 1 + drawBelow(random, text.length - 2);
    if (!/^[a-z]{2}$/.test(text.slice(at, at + 2))) continue;
    return mistypeAt(random, text, at);
  }
  return text;
}

function mistypeAt(random: Random, text: string, at: number): string {
  const [before, typed, after] = [text.slice(0, at), text.charAt(at), text.slice(at + 1)];
  const kind = drawBelow(random, 4);
  if (kind === 0) return before + after.charAt(0) + typed + after.slice(1);
  if (kind === 1) return before + after;
  if (kind === 2) return before + typed + typed + after;
  return before + 'abcdefghijklmnopqrstuvwxyz'.charAt(drawBelow(random, 26)) + after;
}

const isHeldOut = (combination: string) => (createHash('sha256').update(combination).digest()[0] ?? 0) < 26;
