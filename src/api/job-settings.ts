import { checkText } from '../actions/check-text.ts';
import { Problem } from '../base/problem.ts';
import type { InferenceParametersInput } from '../contract/job.ts';
import type { JobSettings } from '../jobs/job.ts';

/** The job's defaults for its rows, out of what the wire says. */
export const toSettings = ({ extraBody, ...typed }: InferenceParametersInput, systemPrompt: string | undefined): JobSettings => {
  const settings = {
    ...typed,
    ...(extraBody && { extraBody: parseExtraBody(extraBody) }),
    ...(systemPrompt && { systemPrompt }),
  };
  return settings as JobSettings; // Absent fields are absent: the schema never makes them undefined.
};

const parseExtraBody = (text: string): Readonly<Record<string, unknown>> => {
  const value = parsed(text);
  checkText(value);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new Problem(
    'INVALID_ARGUMENT',
    `inferenceParameters.extraBody must be a JSON object as a string, such as "{\\"stop\\":[\\"\\\\n\\"]}"; got ${shown(text)}.`,
    {
      reason: 'INVALID_EXTRA_BODY',
      details: { field: 'inferenceParameters.extraBody' },
    },
  );
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
