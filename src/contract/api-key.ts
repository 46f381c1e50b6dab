/** API keys on the wire. */
import { z } from 'zod';
import { Moment, readOnly, Timestamp } from './json.ts';

const MAX_ANNOTATIONS = 32;

const fields = {
  displayName: z.string().max(63).describe('Label for people, fewer than 64 characters'),
  annotations: z
    .record(z.string().max(63), z.string().max(255))
    .refine((labels) => Object.keys(labels).length <= MAX_ANNOTATIONS, `expected at most ${MAX_ANNOTATIONS} annotations`)
    .describe('Labels of your own; the bill can be split by `team`, `project` and `environment`'),
};

/** A key as it is answered. */
export const ApiKey = z
  .object({
    keyId: z.string().describe('Names the key, for its deletion'),
    displayName: fields.displayName,
    key: z.string().describe('The key itself, in the reply of its creation and never again; empty elsewhere'),
    createTime: Timestamp.describe('When it was made'),
    secure: z.boolean().describe('True: the server keeps a hash and does not know the key'),
    email: z.string().describe("Its user's address"),
    prefix: z.string().describe('How the key begins, to tell it from others'),
    expireTime: Timestamp.nullable().describe('When it stops working; null means never'),
    annotations: z.record(z.string(), z.string()).describe(fields.annotations.description ?? ''),
    lastUsed: Timestamp.nullable().describe('When it was last used, to the minute; null means never'),
  })
  .meta({ id: 'ApiKey', description: 'What a user proves who it is with' });
export type ApiKey = z.output<typeof ApiKey>;

const ApiKeyInput = z.strictObject({
  displayName: fields.displayName.optional().describe('Label for people; `default` when absent'),
  expireTime: Moment.optional().describe('When it shall stop working; never when absent'),
  annotations: fields.annotations.optional(),
  ...readOnly('keyId', 'key', 'createTime', 'secure', 'email', 'prefix', 'lastUsed'),
});

/** Body of a create. */
export const CreateApiKeyRequest = z
  .strictObject({ apiKey: ApiKeyInput.optional() })
  .meta({ id: 'CreateApiKeyRequest', description: 'A new key' });

/** Body of `:delete`. */
export const DeleteApiKeyRequest = z
  .strictObject({ keyId: z.string().describe('The key to delete') })
  .meta({ id: 'DeleteApiKeyRequest', description: 'A key that is to go' });
