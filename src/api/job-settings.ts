import { checkText } from '../actions/check-text.ts';
import { Problem } from '../base/problem.ts';
import { findBadParameter } from '../contract/chat-parameters.ts';
import type { InferenceParametersInput } from '../contract/job.ts';
import type { JobSettings } from '../jobs/job.ts';

/** A job's defaults for its rows, as the wire has them. */
export interface SentSettings {
  readonly parameters: InferenceParametersInput;
  readonly systemPrompt: string | undefined;
  /** Whether `extraBody` may hold what no list of ours knows, for engines with parameters of their own. */
  readonly anyParameters: boolean;
}

/** The same as the rooms below know them. */
export const toSettings = ({ parameters: { extraBody, ...typed }, systemPrompt, anyParameters }: SentSettings): JobSettings => {
  const extra = extraBody ? parseExtraBody(extraBody) : undefined;
  if (extra !== undefined) checkText(extra);
  if (extra !== undefined && !anyParameters) checkParameters(extra);
  const settings = { ...typed, ...(extra && { extraBody: extra }), ...(systemPrompt && { systemPrompt }) };
  return settings as JobSettings; // Absent fields are absent: the schema never makes them undefined.
};

const parseExtraBody = (text: string): Readonly<Record<string, unknown>> => {
  const value = parsed(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw invalid(`must be a JSON object as a string, such as "{\\"stop\\":[\\"\\\\n\\"]}"; got ${shown(text)}`);
};

const checkParameters = (parameters: Readonly<Record<string, unknown>>): void => {
  const bad = findBadParameter(parameters);
  if (bad !== undefined) throw invalid(`can't be used: ${bad.message}`, bad.field);
};

const invalid = (why: string, parameter?: string): Problem =>
  new Problem('INVALID_ARGUMENT', `inferenceParameters.extraBody ${why}.`, {
    reason: 'INVALID_EXTRA_BODY',
    details: { field: ['inferenceParameters.extraBody', parameter].filter(Boolean).join('.') },
  });

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
