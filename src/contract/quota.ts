/** Quotas on the wire. */
import { z } from 'zod';
import { Flag, Int64, readOnly, Timestamp } from './json.ts';

const int64 = (description: string) => z.string().meta({ format: 'int64', description });

/** A quota as it is answered. */
export const Quota = z
  .object({
    name: z.string().describe('`accounts/{account}/quotas/{id}`'),
    value: int64('What is enforced'),
    maxValue: int64('The most that `value` can be set to; whoever runs the server decides'),
    usage: z.number().describe('How much of it is used'),
    updateTime: Timestamp.nullable().describe('When the value was last changed; null when it never was'),
  })
  .meta({ id: 'Quota', description: 'How much of something an account may have' });
export type Quota = z.output<typeof Quota>;

/** Body of an update. */
export const UpdateQuotaRequest = z
  .strictObject({
    value: Int64.pipe(z.number().min(0)).optional().describe('What shall be enforced, from 0 to `maxValue`'),
    ...readOnly('name', 'maxValue', 'usage', 'updateTime'),
  })
  .meta({ id: 'UpdateQuotaRequest', description: 'The new value of a quota' });

/** Query of an update. */
export const UpdateQuotaQuery = z.object({
  allowMissing: Flag.optional().describe('Accepted; the quotas are fixed, so none is ever missing'),
});
