/** Models as OpenAI's clients see them. */
import { z } from 'zod';

/** A model as it is answered. */
export const OpenAiModel = z
  .object({
    id: z.string().describe('What a request names as its `model`: the bare id, or the full name where another model has that id'),
    object: z.literal('model'),
    created: z.int().describe('When it was made known here, in seconds since 1970; 0 for one that only an engine knows'),
    owned_by: z.string().describe('The account that it is of'),
  })
  .meta({ id: 'OpenAiModel', description: 'A model that this account can use now' });
export type OpenAiModel = z.output<typeof OpenAiModel>;

/** All of them. */
export const OpenAiModelList = z
  .object({ object: z.literal('list'), data: z.array(OpenAiModel) })
  .meta({ id: 'OpenAiModelList', description: 'The models that this account can use now' });
