import type { z } from 'zod';
import { checkText } from '../actions/check-text.ts';
import { Problem } from '../base/problem.ts';
import { parseWire } from '../contract/json.ts';

/** Reads what a caller sent by its schema; INVALID_ARGUMENT, with the field's name, when it doesn't fit. */
export const readWire = <Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> => {
  checkText(value);
  const parsed = parseWire(schema, value);
  if (parsed.ok) return parsed.value;
  throw new Problem('INVALID_ARGUMENT', parsed.misfit.message, {
    reason: 'INVALID_FIELD',
    details: { field: parsed.misfit.field },
  });
};
