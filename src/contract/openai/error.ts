/** What OpenAI's clients read of a refusal. */
import { z } from 'zod';

/** The body of every refused call of OpenAI's dialect. */
export const OpenAiErrorBody = z
  .object({
    error: z.object({
      message: z.string().describe('What was expected, what came, and what to do'),
      type: z
        .enum(['invalid_request_error', 'permission_error', 'rate_limit_error', 'server_error'])
        .describe('What kind of refusal it is; goes with the status'),
      param: z.string().nullable().describe('The field of the request that is wrong; null when it is none alone'),
      code: z.string().nullable().describe('What exactly is wrong, in lower_snake; stable, so programs may test it'),
    }),
  })
  .meta({ id: 'OpenAiError', description: "Why a call was refused, in OpenAI's words" });
export type OpenAiErrorBody = z.infer<typeof OpenAiErrorBody>;
