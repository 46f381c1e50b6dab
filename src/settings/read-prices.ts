/** What tokens cost, when whoever runs the server says so: a JSON file that `BOATLOAD_PRICES` names. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Prices } from '../actions/price-usage.ts';
import { messageOf } from '../base/message-of.ts';
import { Problem } from '../base/problem.ts';
import { makeName, PUBLIC_ACCOUNT } from '../contract/names.ts';
import { readText, type Settings } from './settings.ts';

const PRICES = 'BOATLOAD_PRICES';

const PriceFile = z.strictObject({
  currencyCode: z.string().regex(/^[A-Z]{3}$/, 'expected three capital letters, such as "EUR"'),
  /** By full name, or by the id of a public model. */
  models: z.record(z.string(), z.strictObject({ inputPerMillion: z.number().min(0), outputPerMillion: z.number().min(0) })),
});

/** The prices; undefined when none are named. A `Problem` with reason `PRICES_INVALID` for a file that can't be used. */
export async function readPrices(settings: Settings): Promise<Prices | undefined> {
  const path = readText(settings, PRICES);
  if (path === undefined) return undefined;
  try {
    const { currencyCode, models } = PriceFile.parse(JSON.parse(await readFile(path, 'utf8')));
    const named = Object.entries(models).map(([name, price]) => [toFullName(name), price]);
    return { currencyCode, models: Object.fromEntries(named) };
  } catch (cause) {
    throw new Problem(
      'INVALID_ARGUMENT',
      `${PRICES} names ${path}, which can't be read as prices: ${why(cause)}. Expected {"currencyCode":"USD","models":{"…":{"inputPerMillion":0.2,"outputPerMillion":0.6}}}.`,
      { reason: 'PRICES_INVALID', cause },
    );
  }
}

const toFullName = (name: string): string => (name.includes('/') ? name : makeName(PUBLIC_ACCOUNT, 'models', name));

const why = (cause: unknown): string => {
  const [issue] = cause instanceof z.ZodError ? cause.issues : [];
  if (issue !== undefined) return [issue.path.join('.'), issue.message].filter(Boolean).join(': ');
  return messageOf(cause);
};
