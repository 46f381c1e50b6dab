/** Lists of OpenAI's dialect: the page after this one begins after `last_id`. */
import { z } from 'zod';

/** A page of a list. */
export const openAiList = <Entry extends z.ZodType>(entry: Entry) =>
  z.object({
    object: z.literal('list'),
    data: z.array(entry).describe('In the order that was asked for'),
    first_id: z.string().nullable().describe('Id of the first one; null when there is none'),
    last_id: z
      .string()
      .nullable()
      .describe('Id of the last one: give it as `after` to get those after it; null when there is none'),
    has_more: z.boolean().describe('Whether there are any after it'),
  });

/** The page of what is there: `data`, and whether more comes after it. */
export const toOpenAiList = <Entry extends { readonly id: string }>(data: Entry[], hasMore: boolean) => ({
  object: 'list' as const,
  data,
  first_id: data[0]?.id ?? null,
  last_id: data.at(-1)?.id ?? null,
  has_more: hasMore,
});
