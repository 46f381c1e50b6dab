import { z } from 'zod';

/** An amount of money: whole units as a string, the rest in billionths. */
export const Money = z
  .object({
    currencyCode: z.string().describe('Three letters of ISO 4217'),
    units: z.string().meta({ format: 'int64', description: 'Whole units' }),
    nanos: z.int32().describe('Billionths of a unit'),
  })
  .meta({ id: 'Money', description: 'An amount of money' });
export type Money = z.output<typeof Money>;
